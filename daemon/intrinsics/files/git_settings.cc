#include "daemon/intrinsics/files/git_settings.h"

#include <algorithm>

#include "daemon/intrinsics/files/text_file.h"
#include "daemon/os/git_config.h"
#include "daemon/os/wildmatch.h"

namespace kiln::intrinsics {

namespace {

constexpr int kMaxDepth = 10;  // of includes, as in git

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

class SettingsReader {
 public:
  SettingsReader(graph::Context& context, const FsFunctions& fs, const Workspace& host,
                 const GitUser& user, const GitPlace& place)
      : context_(context), fs_(fs), host_(host), user_(user), place_(place) {
    settings_.excludes_file = user.excludes_file;
  }

  Task<Result<GitSettings>> read() {
    for (const std::string& file : user_.config_files) {
      KILN_CO_TRY(co_await read_file(RelPath(), file, 0));
    }
    KILN_CO_TRY(co_await read_file(place_.common_dir, "config", 0));
    if (per_worktree_) KILN_CO_TRY(co_await read_file(place_.git_dir, "config.worktree", 0));
    co_return settings_;
  }

 private:
  Task<Result<void>> read_file(RelPath from, std::string path, int depth) {
    KILN_CO_ASSIGN(const auto file,
                   co_await read_text_file(context_, fs_, host_, std::move(from), path));
    if (!file) co_return Result<void>();
    for (const os::GitConfigEntry& entry : os::parse_git_config(file->text)) {
      if (entry.section == "core" && entry.subsection.empty() && entry.name == "excludesfile") {
        settings_.excludes_file = expanded(entry.value.value_or(""));
      } else if (entry.section == "extensions" && entry.subsection.empty()) {
        if (entry.name == "worktreeconfig") per_worktree_ = is_true(entry);
        if (entry.name == "objectformat") {
          settings_.sha256 = lower(entry.value.value_or("")) == "sha256";
        }
      } else if (entry.name == "path" && entry.value && depth < kMaxDepth) {
        const bool included = entry.section == "include" && entry.subsection.empty();
        bool holds = included;
        if (entry.section == "includeif") {
          KILN_CO_ASSIGN(holds, co_await condition_holds(entry.subsection, file->path.parent()));
        }
        if (holds) {
          KILN_CO_TRY(co_await read_file(file->path.parent(), expanded(*entry.value), depth + 1));
        }
      }
    }
    co_return Result<void>();
  }

  // "~/x" is in the user's home.
  std::string expanded(const std::string& path) const {
    const bool of_home = path == "~" || path.starts_with("~/");
    return of_home && !user_.home.empty() ? user_.home + path.substr(1) : path;
  }

  Task<Result<bool>> condition_holds(std::string_view condition, RelPath config_directory) {
    const auto takes = [&condition](std::string_view keyword) {
      const bool taken = condition.starts_with(keyword);
      if (taken) condition.remove_prefix(keyword.size());
      return taken;
    };
    if (takes("gitdir:")) co_return is_git_dir(std::string(condition), config_directory, false);
    if (takes("gitdir/i:")) co_return is_git_dir(std::string(condition), config_directory, true);
    if (takes("onbranch:")) co_return co_await is_on_branch(std::string(condition));
    co_return false;
  }

  bool is_git_dir(std::string pattern, const RelPath& config_directory, bool any_case) const {
    pattern = expanded(pattern);
    if (pattern.starts_with("./")) pattern = host_.absolute(config_directory) + pattern.substr(1);
    if (!pattern.starts_with('/')) pattern = "**/" + pattern;
    return matches(pattern, host_.absolute(place_.git_dir), any_case);
  }

  Task<Result<bool>> is_on_branch(std::string pattern) {
    constexpr std::string_view kBranch = "ref: refs/heads/";
    KILN_CO_ASSIGN(const auto head,
                   co_await read_text_file(context_, fs_, host_, place_.git_dir, "HEAD"));
    if (!head || !head->text.starts_with(kBranch)) co_return false;
    std::string_view name = std::string_view(head->text).substr(kBranch.size());
    name = name.substr(0, name.find_last_not_of(" \t\r\n") + 1);
    co_return matches(pattern, std::string(name), false);
  }

  static bool matches(std::string pattern, std::string text, bool any_case) {
    if (pattern.ends_with('/')) pattern += "**";
    if (any_case) {
      pattern = lower(std::move(pattern));
      text = lower(std::move(text));
    }
    return os::Wildmatch::compile(pattern, os::Wildmatch::Syntax::kPath).matches(text);
  }

  graph::Context& context_;
  const FsFunctions& fs_;
  const Workspace& host_;
  const GitUser& user_;
  const GitPlace& place_;
  GitSettings settings_;
  bool per_worktree_ = false;
};

}  // namespace

Task<Result<GitSettings>> read_git_settings(graph::Context& context, const FsFunctions& fs,
                                            const Workspace& host, const GitUser& user,
                                            const GitPlace& place) {
  SettingsReader reader(context, fs, host, user, place);
  co_return co_await reader.read();
}

}  // namespace kiln::intrinsics
