// ShellCheck as a linter: one sandboxed process for each script, with the configuration files that
// ShellCheck would look for merged in.
// Source: shellcheck(1): .shellcheckrc and shellcheckrc, in the script's directory and those above;
//         --format=json1.
#pragma once

#include "daemon/rules/rule_set.h"

namespace kiln::backends::shell {

struct ShellcheckOptions {
  static constexpr std::string_view kTypeName = "ShellcheckOptions";
  static constexpr std::string_view kScope = "shellcheck";

  bool skip = false;
  std::vector<std::string> args;                      // more arguments, before the script's name
  std::string path = "/usr/local/bin:/usr/bin:/bin";  // where the tool is looked for

  static void fields(auto& self, auto&& field) {
    field("skip", self.skip);
    field("args", self.args);
    field("path", self.path);
  }
  friend bool operator==(const ShellcheckOptions&, const ShellcheckOptions&) = default;
};

// A member of LintRequest, and what stands behind it.
rules::RuleSet shellcheck_rules();

}  // namespace kiln::backends::shell
