#include "daemon/backends/shell/shellcheck.h"

#include <nlohmann/json.hpp>

#include "daemon/backends/core/lint.h"
#include "daemon/backends/shell/shell_scripts.h"
#include "daemon/intrinsics/process_values.h"

namespace kiln::backends::shell {

namespace {

using intrinsics::DirectoryDigest;
using intrinsics::FallibleProcessResult;
using intrinsics::MergeDigests;
using intrinsics::PathGlobs;
using intrinsics::Process;
using rules::all;
using rules::get;
using rules::Gets;
using rules::Rule;

struct ShellcheckRequest : LintFiles {
  static constexpr std::string_view kTypeName = "ShellcheckRequest";
  static constexpr std::string_view kTool = "shellcheck";
};

// One script.
struct ShellcheckFile {
  static constexpr std::string_view kTypeName = "ShellcheckFile";
  std::string file;
  static void fields(auto& self, auto&& field) { field("file", self.file); }
  friend bool operator==(const ShellcheckFile&, const ShellcheckFile&) = default;
};

// The configuration files that could be about a script.
std::vector<std::string> config_globs(std::string_view file) {
  std::vector<std::string> globs;
  for (size_t slash = file.rfind('/');; slash = file.rfind('/', slash - 1)) {
    const std::string directory = slash == std::string_view::npos
                                      ? ""
                                      : intrinsics::literal_glob(file.substr(0, slash)) + "/";
    globs.push_back(directory + ".shellcheckrc");
    globs.push_back(directory + "shellcheckrc");
    if (slash == std::string_view::npos || slash == 0) break;
  }
  return globs;
}

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

Rule<LintResult, Gets<DirectoryDigest(PathGlobs), DirectoryDigest(MergeDigests),
                      FallibleProcessResult(Process)>>
shellcheck_file(const ShellcheckFile& script, const ShellcheckOptions& options) {
  const auto& [source, config] = co_await all(
      get<DirectoryDigest>(PathGlobs{.globs = {intrinsics::literal_glob(script.file)}}),
      get<DirectoryDigest>(PathGlobs{.globs = config_globs(script.file)}));
  const auto& inputs = co_await get<DirectoryDigest>(MergeDigests{{source, config}});
  const auto& result = co_await get<FallibleProcessResult>(process_for(script, options, inputs));
  // 0: nothing found; 1: something; more: it could not do its work.
  if (result.exit_code != 0 && result.exit_code != 1) {
    co_return user_error(
        ErrorCode::kFailedPrecondition,
        "shellcheck failed on " + printable(script.file) + " with exit code " +
            std::to_string(result.exit_code) + ": " +
            printable(result.stderr_text.empty() ? result.stdout_text : result.stderr_text));
  }
  KILN_CO_ASSIGN(std::vector<LintFinding> findings, findings_from(result.stdout_text));
  co_return LintResult{script.file, std::move(findings)};
}

Rule<LintResults, Gets<ShellScripts(ScriptCandidates), LintResult(ShellcheckFile)>> shellcheck(
    const ShellcheckRequest& request, const ShellcheckOptions& options) {
  LintResults results{.tool = std::string(ShellcheckRequest::kTool), .skipped = options.skip};
  if (options.skip) co_return results;
  const auto& scripts = co_await get<ShellScripts>(ScriptCandidates{request.files});
  std::vector<rules::Get<LintResult, ShellcheckFile>> asked;
  for (const std::string& file : scripts.files) {
    asked.push_back(get<LintResult>(ShellcheckFile{file}));
  }
  for (const LintResult& result : co_await all(std::move(asked))) results.results.push_back(result);
  co_return results;
}

}  // namespace

rules::RuleSet shellcheck_rules() {
  rules::RuleSet set = script_rules();
  set.options<ShellcheckOptions>();
  set.member<LintRequest, ShellcheckRequest>();
  set.add<&shellcheck_file>();
  set.add<&shellcheck>();
  return set;
}

}  // namespace kiln::backends::shell
