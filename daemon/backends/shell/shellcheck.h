// ShellCheck as a linter: one sandboxed process for each script, with the configuration files that
// ShellCheck would look for merged in.
// Source: shellcheck(1): .shellcheckrc and shellcheckrc, in the script's directory and those above;
//         --format=json1.
#pragma once

#include <array>

#include "daemon/rules/rule_set.h"

namespace kiln::backends::shell {

struct ShellcheckOptions {
  static constexpr std::string_view kTypeName = "ShellcheckOptions";
  static constexpr std::string_view kScope = "shellcheck";
  static constexpr std::string_view kSummary = "How ShellCheck is run.";
  static constexpr auto kHelp = std::to_array<rules::OptionHelp>(
      {{"skip", "do not run it"},
       {"args", "more arguments for it, such as --exclude=SC2086; -x finds no other scripts"},
       {"path", "the directories in which the program shellcheck is looked for"}});

  bool skip = false;
  std::vector<std::string> args;
  std::string path = "/usr/local/bin:/usr/bin:/bin";

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
