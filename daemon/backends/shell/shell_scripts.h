// Which files are shell scripts: by their name, or by their first line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/rule_set.h"

namespace kiln::backends::shell {

struct ScriptCandidates {
  static constexpr std::string_view kTypeName = "ScriptCandidates";

  std::vector<std::string> files;

  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const ScriptCandidates&, const ScriptCandidates&) = default;
};

// Which those are, for a person.
inline constexpr std::string_view kShellScripts =
    "*.sh, *.bash, *.dash, *.ksh and *.bats, and without a suffix what begins with #! and a shell";

// Those of the candidates that are shell scripts, in the same order: *.sh, *.bash, *.dash, *.ksh,
// *.bats; and files without an extension whose first line is "#!" with one of the shells that
// ShellCheck knows.
struct ShellScripts {
  static constexpr std::string_view kTypeName = "ShellScripts";

  std::vector<std::string> files;

  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const ShellScripts&, const ShellScripts&) = default;
};

// Whether a file that begins with these bytes is to be run by a shell.
bool has_shell_shebang(std::string_view head);

rules::RuleSet script_rules();

}  // namespace kiln::backends::shell
