#include "client/command_line.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "common/types/rel_path.h"

namespace kiln {

namespace {

// Global options whose value is the next argument.
constexpr std::array<std::string_view, 6> kWithValue = {"--root",  "--color",  "--progress",
                                                        "--level", "--option", "--profile"};

Result<std::string> resolved(const std::string& path, std::string_view what) {
  std::array<char, PATH_MAX> buffer;
  if (::realpath(path.c_str(), buffer.data()) == nullptr) {
    return user_error(ErrorCode::kNotFound,
                      std::string(what) + " " + path + ": " + os_error(errno, "find it").message());
  }
  return std::string(buffer.data());
}

// Also a link that leads nowhere: that is a broken kiln.toml, and not none.
bool exists(const std::string& path) {
  struct stat st;
  return ::lstat(path.c_str(), &st) == 0;
}

// `directory` or its nearest ancestor that holds `marker`.
std::optional<std::string> ancestor_with(std::string directory, std::string_view marker) {
  for (;;) {
    if (exists(directory + "/" + std::string(marker))) return directory.empty() ? "/" : directory;
    const size_t slash = directory.rfind('/');
    if (slash == std::string::npos) return std::nullopt;
    directory.resize(slash);
  }
}

}  // namespace

CommandLine split_command_line(std::vector<std::string> arguments,
                               bool (*has_subcommands)(const std::string& command)) {
  CommandLine line;
  std::string* next_word = &line.command;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string& argument = arguments[i];
    const bool option = argument.size() > 1 && argument[0] == '-';
    if (argument == "--") next_word = nullptr;
    if (option || next_word == nullptr) {
      const bool takes_next =
          next_word != nullptr &&
          std::find(kWithValue.begin(), kWithValue.end(), argument) != kWithValue.end();
      line.arguments.push_back(std::move(argument));
      if (takes_next && i + 1 < arguments.size()) {
        line.arguments.push_back(std::move(arguments[++i]));
      }
      continue;
    }
    *next_word = std::move(argument);
    const bool family = next_word == &line.command && has_subcommands(line.command);
    next_word = family ? &line.subcommand : nullptr;
  }
  return line;
}

void GlobalOptions::add_to(OptionParser& parser) {
  parser.begin_group("Global options");
  parser.value("--root", "DIR", root_,
               "the workspace; by default the nearest directory upwards\n"
               "with a kiln.toml, else with a .git");
  parser.flag("--root-relative", root_relative_,
              "paths are from the workspace root, not from here");
  parser.flag("--json", json_, "print JSON on standard output");
  parser.choice<ColorMode>(
      "--color", "WHEN", color_,
      {{"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}},
      "{choices}; NO_COLOR is honoured");
  parser.choice<ProgressMode>("--progress", "HOW", progress_,
                              {{"auto", ProgressMode::kAuto},
                               {"plain", ProgressMode::kPlain},
                               {"none", ProgressMode::kNone}},
                              "{choices}: live lines on a\n"
                              "terminal, plain lines everywhere, or nothing");
  parser.choice<TalkLevel>("--level", "LEVEL", level_,
                           {{"error", TalkLevel::kError},
                            {"warn", TalkLevel::kWarn},
                            {"info", TalkLevel::kInfo},
                            {"debug", TalkLevel::kDebug},
                            {"trace", TalkLevel::kTrace}},
                           "what is said: {choices};\n"
                           "from debug on errors show what the daemon was computing");
  parser.value("--profile", "FILE", profile_,
               "write what ran, when and why: a Chrome trace, for\n"
               "https://ui.perfetto.dev or chrome://tracing");
}

void GlobalOptions::apply(Console& console) const {
  console.set_modes(color_.value, progress_.value);
  console.set_level(level_.value);
}

Result<std::optional<std::string>> GlobalOptions::workspace_root() const {
  KILN_ASSIGN(std::optional<std::string> root, found_root());
  if (!root || is_valid_utf8(*root)) return root;
  return user_error(ErrorCode::kInvalidArgument,
                    "the name of the workspace's folder is not UTF-8: " + printable(*root) +
                        "; rename it, or work by way of a bind mount with another name");
}

Result<std::optional<std::string>> GlobalOptions::found_root() const {
  if (root_) {
    KILN_ASSIGN(std::string root, resolved(*root_, "--root"));
    struct stat st;
    if (::stat(root.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) {
      return user_error(ErrorCode::kInvalidArgument, "--root " + *root_ + " is not a directory");
    }
    return std::optional(std::move(root));
  }
  KILN_ASSIGN(const std::string here, current_directory());
  for (const std::string_view marker : {"kiln.toml", ".git"}) {
    if (auto root = ancestor_with(here, marker)) return root;
  }
  return std::optional<std::string>();
}

Error no_workspace(const std::string& here) {
  return user_error(ErrorCode::kNotFound,
                    "no workspace: neither " + printable(here) +
                        " nor a directory above it holds a kiln.toml or a .git\n  go into a "
                        "project, mark one with an empty kiln.toml at its top, or name it with "
                        "--root DIR");
}

Result<std::string> current_directory() {
  auto found = resolved(".", "the current directory");
  if (found.ok() || found.error().code() != ErrorCode::kNotFound) return found;
  return user_error(ErrorCode::kNotFound,
                    "the current directory was removed; go elsewhere or give --root");
}

}  // namespace kiln
