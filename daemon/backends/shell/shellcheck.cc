#include "daemon/backends/shell/shellcheck.h"

#include <map>
#include <nlohmann/json.hpp>

#include "common/types/printable.h"
#include "daemon/backends/core/lint.h"
#include "daemon/backends/shell/shell_scripts.h"
#include "daemon/backends/shell/shellcheck_config.h"
#include "daemon/intrinsics/process_values.h"
#include "daemon/intrinsics/tree_contents.h"

namespace kiln::backends::shell {

namespace {

using intrinsics::CreateDigest;
using intrinsics::DirectoryDigest;
using intrinsics::FallibleProcessResult;
using intrinsics::MergeDigests;
using intrinsics::PathGlobs;
using intrinsics::Process;
using rules::all;
using rules::get;
using rules::Gets;
using rules::Rule;
using rules::try_get;

struct ShellcheckRequest : LintFiles {
  static constexpr std::string_view kTypeName = "ShellcheckRequest";
  static constexpr std::string_view kTool = "shellcheck";
  static constexpr std::string_view kTakes = kShellScripts;
};

// One script.
struct ShellcheckFile {
  static constexpr std::string_view kTypeName = "ShellcheckFile";
  std::string file;
  static void fields(auto& self, auto&& field) { field("file", self.file); }
  friend bool operator==(const ShellcheckFile&, const ShellcheckFile&) = default;
};

// The script and the configuration that is for it.
struct ShellcheckInputs {
  static constexpr std::string_view kTypeName = "ShellcheckInputs";
  DirectoryDigest digest;
  static void fields(auto& self, auto&& field) { field("digest", self.digest); }
  friend bool operator==(const ShellcheckInputs&, const ShellcheckInputs&) = default;
};

// What was found about one script: in it, and in the configuration that ShellCheck read for it.
struct ShellcheckAnswer {
  static constexpr std::string_view kTypeName = "ShellcheckAnswer";
  LintResult script;
  std::vector<LintResult> config;
  static void fields(auto& self, auto&& field) {
    field("script", self.script);
    field("config", self.config);
  }
  friend bool operator==(const ShellcheckAnswer&, const ShellcheckAnswer&) = default;
};

// ShellCheck's own words for what it found.
Result<std::vector<LintFinding>> findings_from(const std::string& output) {
  const auto json = nlohmann::json::parse(output, nullptr, false);
  const auto unreadable = [] {
    return environment_error(ErrorCode::kInternal,
                             "shellcheck printed something else than its json1 format; is it "
                             "version 0.7 or newer?");
  };
  if (!json.is_object() || !json.contains("comments") || !json["comments"].is_array()) {
    return unreadable();
  }
  std::vector<LintFinding> findings;
  for (const auto& comment : json["comments"]) {
    if (!comment.is_object()) return unreadable();
    const auto number = [&](const char* name) {
      const auto it = comment.find(name);
      return it != comment.end() && it->is_number_integer() ? it->get<int64_t>() : 0;
    };
    const auto text = [&](const char* name) {
      const auto it = comment.find(name);
      return it != comment.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    findings.push_back({number("line"), number("column"), text("level"),
                        "SC" + std::to_string(number("code")), text("message")});
  }
  return findings;
}

// Moves what is said of a configuration file from the script to that file: ShellCheck says it at
// the script's first line, and with the path in the sandbox.
ShellcheckAnswer sorted_by_file(std::string script, std::vector<LintFinding> findings) {
  ShellcheckAnswer answer{{std::move(script), {}}, {}};
  for (LintFinding& finding : findings) {
    if (auto config = config_finding(answer.script.file, finding)) {
      answer.config.push_back(*std::move(config));
    } else {
      answer.script.findings.push_back(std::move(finding));
    }
  }
  return answer;
}

Process process_for(const ShellcheckFile& script, const ShellcheckOptions& options,
                    DirectoryDigest inputs) {
  Process process;
  process.argv = {"shellcheck", "--format=json1"};
  process.argv.insert(process.argv.end(), options.args.begin(), options.args.end());
  process.argv.insert(process.argv.end(), {"--", script.file});
  process.description = "Lint " + script.file + " with shellcheck";
  process.input_digest = std::move(inputs);
  process.env = {{"PATH", options.path}, {"LANG", "C.UTF-8"}};
  // That it found something is an answer, and as good for ever as that it found nothing.
  process.cache_scope = exec::CacheScope::kAlways;
  return process;
}

Error missing(const Error& why) {
  return environment_error(
      ErrorCode::kFailedPrecondition,
      why.message() +
          "\n  install ShellCheck (apt install shellcheck), or say where it is with "
          "--option shellcheck.path=DIR");
}

Error failed(const ShellcheckFile& script, const FallibleProcessResult& result) {
  std::string said =
      printable_lines(result.stderr_text.empty() ? result.stdout_text : result.stderr_text);
  while (said.ends_with('\n')) said.pop_back();
  const std::string name = printable(script.file);
  const std::string how =
      result.exit_code < 0
          ? "was ended by signal " + std::to_string(-result.exit_code) + " on " + name
          : "failed on " + name + " with exit code " + std::to_string(result.exit_code);
  return environment_error(ErrorCode::kFailedPrecondition,
                           "shellcheck " + how + (said.empty() ? "" : ":\n") + said);
}

Rule<ShellcheckInputs,
     Gets<DirectoryDigest(PathGlobs), DirectoryDigest(CreateDigest), DirectoryDigest(MergeDigests)>>
shellcheck_inputs(const ShellcheckFile& script) {
  PathGlobs configs;
  for (const std::string& path : config_paths(script.file)) {
    configs.globs.push_back(intrinsics::literal_glob(path));
  }
  const auto& [source, found] = co_await all(
      get<DirectoryDigest>(PathGlobs{.globs = {intrinsics::literal_glob(script.file)}}),
      get<DirectoryDigest>(std::move(configs)));
  const DirectoryDigest* config = &found;
  if (found.digest.empty()) {
    // ShellCheck goes on searching above its sandbox, and in the home directory.
    CreateDigest nothing;
    nothing.contents.push_back({RelPath().child(".shellcheckrc"), ""});
    config = &co_await get<DirectoryDigest>(std::move(nothing));
  }
  co_return ShellcheckInputs{co_await get<DirectoryDigest>(MergeDigests{{source, *config}})};
}

Rule<ShellcheckAnswer, Gets<ShellcheckInputs(ShellcheckFile), FallibleProcessResult(Process)>>
shellcheck_file(const ShellcheckFile& script, const ShellcheckOptions& options) {
  const auto& inputs = co_await get<ShellcheckInputs>(script);
  const Result<rules::Ref<FallibleProcessResult>> ran =
      co_await try_get<FallibleProcessResult>(process_for(script, options, inputs.digest));
  if (!ran.ok()) {
    const ErrorCode code = ran.error().code();
    const bool is_missing =
        code == ErrorCode::kCommandNotFound || code == ErrorCode::kCommandNotExecutable;
    co_return is_missing ? missing(ran.error()) : ran.error();
  }
  const FallibleProcessResult& result = **ran;
  // 0: nothing found; 1: something; more: it could not do its work.
  if (result.exit_code != 0 && result.exit_code != 1) co_return failed(script, result);
  KILN_CO_ASSIGN(std::vector<LintFinding> findings, findings_from(result.stdout_text));
  co_return sorted_by_file(script.file, std::move(findings));
}

Rule<LintResults, Gets<ShellScripts(ScriptCandidates), ShellcheckAnswer(ShellcheckFile)>>
shellcheck(const ShellcheckRequest& request, const ShellcheckOptions& options) {
  LintResults results{.tool = std::string(ShellcheckRequest::kTool), .skipped = options.skip};
  if (options.skip) co_return results;
  const auto& scripts = co_await get<ShellScripts>(ScriptCandidates{request.files});
  std::vector<rules::Get<ShellcheckAnswer, ShellcheckFile>> asked;
  for (const std::string& file : scripts.files) {
    asked.push_back(get<ShellcheckAnswer>(ShellcheckFile{file}));
  }
  const auto answers = co_await all(std::move(asked));
  // Each configuration file once, though every script below it says the same of it.
  std::map<std::string, LintResult> configs;
  for (const ShellcheckAnswer& answer : answers) {
    for (const LintResult& config : answer.config) configs.emplace(config.file, config);
  }
  for (auto& [file, config] : configs) results.results.push_back(std::move(config));
  for (const ShellcheckAnswer& answer : answers) results.results.push_back(answer.script);
  co_return results;
}

}  // namespace

rules::RuleSet shellcheck_rules() {
  rules::RuleSet set = script_rules();
  set.options<ShellcheckOptions>();
  set.member<LintRequest, ShellcheckRequest>();
  set.add<&shellcheck_inputs>();
  set.add<&shellcheck_file>();
  set.add<&shellcheck>();
  return set;
}

}  // namespace kiln::backends::shell
