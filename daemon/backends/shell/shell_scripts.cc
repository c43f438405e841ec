#include "daemon/backends/shell/shell_scripts.h"

#include <algorithm>
#include <array>

#include "daemon/intrinsics/tree_contents.h"
#include "daemon/intrinsics/tree_values.h"

namespace kiln::backends::shell {

namespace {

using intrinsics::DigestEntries;
using intrinsics::DirectoryDigest;
using intrinsics::FileHead;
using intrinsics::FileHeadRequest;
using intrinsics::PathGlobs;
using rules::all;
using rules::get;
using rules::Gets;
using rules::Rule;

constexpr std::array<std::string_view, 5> kExtensions = {".sh", ".bash", ".dash", ".ksh", ".bats"};
constexpr std::array<std::string_view, 6> kShells = {"sh", "bash", "dash", "ksh", "ash", "bats"};
constexpr int64_t kHeadBytes = 128;

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

enum class Guess : uint8_t { kYes, kNo, kLook };

Guess guess(std::string_view path) {
  const std::string_view name = base_name(path);
  const size_t dot = name.find_last_of('.');
  if (dot == std::string_view::npos) return Guess::kLook;
  const auto known = std::find(kExtensions.begin(), kExtensions.end(), name.substr(dot));
  return known == kExtensions.end() ? Guess::kNo : Guess::kYes;
}

// One file whose name does not say.
struct Unnamed {
  static constexpr std::string_view kTypeName = "UnnamedScript";
  std::string file;
  static void fields(auto& self, auto&& field) { field("file", self.file); }
  friend bool operator==(const Unnamed&, const Unnamed&) = default;
};
struct IsScript {
  static constexpr std::string_view kTypeName = "IsScript";
  bool yes = false;
  static void fields(auto& self, auto&& field) { field("yes", self.yes); }
  friend bool operator==(const IsScript&, const IsScript&) = default;
};

Rule<IsScript,
     Gets<DirectoryDigest(PathGlobs), DigestEntries(DirectoryDigest), FileHead(FileHeadRequest)>>
look_inside(const Unnamed& candidate) {
  const auto& digest =
      co_await get<DirectoryDigest>(PathGlobs{.globs = {intrinsics::literal_glob(candidate.file)}});
  const auto& entries = co_await get<DigestEntries>(digest);
  if (entries.files.empty()) co_return IsScript{};
  const auto& head =
      co_await get<FileHead>(FileHeadRequest{entries.files.front().file_digest, kHeadBytes});
  co_return IsScript{has_shell_shebang(head.bytes)};
}

Rule<ShellScripts, Gets<IsScript(Unnamed)>> find_scripts(const ScriptCandidates& candidates) {
  std::vector<rules::Get<IsScript, Unnamed>> asked;
  for (const std::string& file : candidates.files) {
    if (guess(file) == Guess::kLook) asked.push_back(get<IsScript>(Unnamed{file}));
  }
  const auto looked = co_await all(std::move(asked));
  ShellScripts scripts;
  size_t next = 0;
  for (const std::string& file : candidates.files) {
    const Guess guessed = guess(file);
    if (guessed == Guess::kLook ? looked[next++].yes : guessed == Guess::kYes) {
      scripts.files.push_back(file);
    }
  }
  co_return scripts;
}

}  // namespace

bool has_shell_shebang(std::string_view head) {
  if (!head.starts_with("#!")) return false;
  head = head.substr(2, head.find('\n') - 2);
  // "/usr/bin/env -S bash -e": the interpreter is the first word that is neither env nor an option.
  while (!head.empty()) {
    const size_t begin = head.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return false;
    head.remove_prefix(begin);
    const std::string_view word = head.substr(0, head.find_first_of(" \t\r"));
    head.remove_prefix(word.size());
    const std::string_view name = base_name(word);
    if (name == "env" || word.starts_with('-')) continue;
    return std::find(kShells.begin(), kShells.end(), name) != kShells.end();
  }
  return false;
}

rules::RuleSet script_rules() {
  rules::RuleSet set;
  set.add<&look_inside>();
  set.add<&find_scripts>();
  return set;
}

}  // namespace kiln::backends::shell
