#include "daemon/backends/core/lint.h"

#include <algorithm>
#include <set>

#include "daemon/backends/core/spec_files.h"
#include "daemon/rules/effects.h"
#include "daemon/rules/nearest.h"
#include "daemon/rules/values/json.h"

namespace kiln::backends {

namespace {

using Members = rules::UnionMembers<LintRequest>;

// Every name in `only` is a linter's.
Result<void> check_names(const LintOptions& options, const Members& linters) {
  std::vector<std::string_view> tools;
  for (const auto& linter : linters.members) tools.push_back(linter.what.tool);
  for (const std::string& name : options.only) {
    if (std::find(tools.begin(), tools.end(), name) != tools.end()) continue;
    std::string text = "lint.only: there is no linter '" + printable(name) + "'; there is ";
    for (size_t i = 0; i < tools.size(); ++i) text += (i == 0 ? "" : ", ") + std::string(tools[i]);
    if (tools.empty()) text += "none";
    return user_error(ErrorCode::kInvalidArgument, std::move(text));
  }
  return {};
}

// What a linter's results cannot say.
struct LintWarnings {
  static constexpr std::string_view kTypeName = "LintWarnings";
  std::vector<std::string> warnings;
  static void fields(auto& self, auto&& field) { field("warnings", self.warnings); }
  friend bool operator==(const LintWarnings&, const LintWarnings&) = default;
};

// What all linters found together. A node, so that a lint of nothing new costs what it prints, not
// what there are files.
struct LintReport {
  static constexpr std::string_view kTypeName = "LintReport";
  std::vector<LintResults> tools;
  std::vector<std::string> warnings;
  bool no_files = false;
  static void fields(auto& self, auto&& field) {
    field("tools", self.tools);
    field("warnings", self.warnings);
    field("no_files", self.no_files);
  }
  friend bool operator==(const LintReport&, const LintReport&) = default;
};
size_t footprint(const LintReport& report) {
  size_t bytes = 0;
  for (const LintResults& tool : report.tools) bytes += sizeof tool + footprint(tool);
  for (const std::string& warning : report.warnings) bytes += sizeof warning + warning.capacity();
  return bytes;
}

std::string plural(size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

// One line for each finding, the way that editors and people know from compilers.
std::string lines_of(const LintResult& result, const intrinsics::OutputOptions& output) {
  std::string text;
  for (const LintFinding& finding : result.findings) {
    text += printable(output.shown(result.file)) + ":" + std::to_string(finding.line) + ":" +
            std::to_string(finding.column) + ": " + printable(finding.level) + ": " +
            printable(finding.message) + " [" + printable(finding.code) + "]\n";
  }
  return text;
}

std::string summary(const LintResults& results) {
  const bool looked = !results.skipped && !results.results.empty();
  return (!looked ? "- " : results.findings() == 0 ? "✓ " : "✗ ") + results.message() + ".\n";
}

bool is_wanted(const LintRequest::Member& linter, const LintOptions& options) {
  return options.only.empty() ||
         std::find(options.only.begin(), options.only.end(), linter.tool) != options.only.end();
}

// Files that were asked for by name, and that no linter is for.
std::vector<std::string> in_vain(const std::vector<std::string>& named,
                                 const rules::Many<LintResults>& results, const Members& linters,
                                 const LintOptions& options) {
  std::set<std::string_view> looked_at;
  for (const LintResults& tool : results) {
    if (tool.skipped) return {};
    for (const LintResult& result : tool.results) looked_at.insert(result.file);
  }
  std::string takers;
  for (const auto& [type, linter] : linters.members) {
    if (!is_wanted(linter, options)) continue;
    takers += "; " + std::string(linter.tool) + " takes " + std::string(linter.takes);
  }
  std::vector<std::string> warnings;
  for (const std::string& file : named) {
    if (!looked_at.contains(file)) warnings.push_back("no linter is for " + file + takers);
  }
  return warnings;
}

template <class T>
Result<void> print_json(rules::Console& console, const T& value) {
  const graph::ValueRef boxed = graph::make_value(value);
  KILN_ASSIGN(const std::string json, rules::to_json(rules::type_of<T>(), *boxed));
  console.print(json + "\n");
  return {};
}

rules::Rule<LintReport, rules::Gets<LintResults(LintRequest)>> lint_report(
    const intrinsics::Specs& specs, const SpecFiles& files, const LintOptions& options,
    const Members& linters) {
  KILN_CO_TRY(check_names(options, linters));
  std::vector<rules::Get<LintResults, LintRequest>> asked;
  for (const auto& linter : linters.members) {
    if (!is_wanted(linter.what, options)) continue;
    asked.push_back(rules::get<LintResults>(linter.what.request({files.files})));
  }
  const auto results = co_await rules::all(std::move(asked));
  LintReport report{{results.begin(), results.end()}, files.warnings, files.files.empty()};
  for (std::string& text : in_vain(named_files(specs, files), results, linters, options)) {
    report.warnings.push_back(std::move(text));
  }
  co_return report;
}

rules::GoalRule<> lint(rules::Console& console, const intrinsics::OutputOptions& output,
                       const LintReport& report) {
  // An option that names linters that there are not is refused before.
  if (report.tools.empty()) console.print_error("- this kilnd has no linters.\n");
  print_warnings(console, report.warnings);
  if (output.json && !report.warnings.empty()) {
    KILN_CO_TRY(print_json(console, LintWarnings{report.warnings}));
  }
  size_t findings = 0;
  for (const LintResults& tool : report.tools) {
    findings += tool.findings();
    if (output.json) {
      LintResults shown = tool;
      for (LintResult& result : shown.results) result.file = output.shown(result.file);
      KILN_CO_TRY(print_json(console, shown));
      continue;
    }
    for (const LintResult& result : tool.results) console.print(lines_of(result, output));
    if (!report.no_files) console.print_error(summary(tool));
  }
  if (report.no_files && !output.json) console.print_error("- no files.\n");
  co_return findings == 0 ? 0 : 1;
}

}  // namespace

size_t LintResults::findings() const {
  size_t count = 0;
  for (const LintResult& result : results) count += result.findings.size();
  return count;
}

trace::Level LintResults::level() const {
  return findings() == 0 ? trace::Level::kInfo : trace::Level::kWarn;
}

std::string LintResults::message() const {
  if (skipped) return tool + " skipped";
  if (results.empty()) return tool + " has no files to look at";
  return tool + ": " + plural(findings(), "finding") + " in " + plural(results.size(), "file");
}

size_t footprint(const LintResults& results) {
  size_t bytes = 0;
  for (const LintResult& result : results.results) {
    bytes += sizeof result + result.file.capacity();
    for (const LintFinding& finding : result.findings) {
      bytes += sizeof finding + finding.message.capacity();
    }
  }
  return bytes;
}

rules::RuleSet lint_rules() {
  rules::RuleSet set;
  set.root<intrinsics::OutputOptions>();
  set.options<LintOptions>();
  set.union_base<LintRequest>();
  set.add<&lint_report>();
  set.goal<&lint>("lint", "Run the linters that there are over the files that specs match.");
  return set;
}

}  // namespace kiln::backends
