// `kiln lint [SPEC…]`: linters over files, all at once. A backend adds a linter as a member of the
// union LintRequest, with a rule from its request type to LintResults.
//
//   struct ShellcheckRequest : LintFiles {
//     static constexpr std::string_view kTypeName = "ShellcheckRequest";
//     static constexpr std::string_view kTool = "shellcheck";
//     static constexpr std::string_view kTakes = "files named *.sh";
//   };
//   Rule<LintResults, Gets<…>> shellcheck(const ShellcheckRequest& request);
//
// Threads: immutable values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/rule_set.h"
#include "daemon/trace/events.h"

namespace kiln::backends {

// What a linter is given: every file that the specs match, sorted. It takes those it is for.
struct LintFiles {
  std::vector<std::string> files;

  static void fields(auto& self, auto&& field) { field("files", self.files); }
  friend bool operator==(const LintFiles&, const LintFiles&) = default;
};

struct LintRequest {
  static constexpr std::string_view kTypeName = "LintRequest";
  static constexpr bool kUnionBase = true;

  struct Member {
    std::string_view tool;
    std::string_view takes;  // which files it is for, for a person
    rules::MemberOf<LintRequest> (*request)(LintFiles);
  };
  template <class M>
  static Member member() {
    return {M::kTool, M::kTakes, [](LintFiles files) {
              M request;
              static_cast<LintFiles&>(request) = std::move(files);
              return rules::member_of<LintRequest>(std::move(request));
            }};
  }
};

struct LintFinding {
  static constexpr std::string_view kTypeName = "LintFinding";

  int64_t line = 0;  // from 1
  int64_t column = 0;
  std::string level;  // "error", "warning", "info", "style"
  std::string code;   // as the tool names it: "SC2086"
  std::string message;

  static void fields(auto& self, auto&& field) {
    field("line", self.line);
    field("column", self.column);
    field("level", self.level);
    field("code", self.code);
    field("message", self.message);
  }
  friend bool operator==(const LintFinding&, const LintFinding&) = default;
};

// What one tool found in one file.
struct LintResult {
  static constexpr std::string_view kTypeName = "LintResult";

  std::string file;
  std::vector<LintFinding> findings;  // in the order of the file

  static void fields(auto& self, auto&& field) {
    field("file", self.file);
    field("findings", self.findings);
  }
  friend bool operator==(const LintResult&, const LintResult&) = default;
};

// What one tool found: a result for each file that it looked at.
struct LintResults {
  static constexpr std::string_view kTypeName = "LintResults";

  std::string tool;
  std::vector<LintResult> results;
  bool skipped = false;  // by an option

  size_t findings() const;
  // A warning if there are findings.
  trace::Level level() const;
  // "shellcheck: 2 findings in 3 files"
  std::string message() const;

  static void fields(auto& self, auto&& field) {
    field("tool", self.tool);
    field("results", self.results);
    field("skipped", self.skipped);
  }
  friend bool operator==(const LintResults&, const LintResults&) = default;
};
size_t footprint(const LintResults& results);

struct LintOptions {
  static constexpr std::string_view kTypeName = "LintOptions";
  static constexpr std::string_view kScope = "lint";
  static constexpr std::string_view kSummary = "Which linters run.";
  static constexpr auto kHelp = std::to_array<rules::OptionHelp>(
      {{"only", "run these linters and no others, by their names; empty: all"}});

  std::vector<std::string> only;

  static void fields(auto& self, auto&& field) { field("only", self.only); }
  friend bool operator==(const LintOptions&, const LintOptions&) = default;
};

rules::RuleSet lint_rules();

}  // namespace kiln::backends
