#include "daemon/backends/shell/shellcheck_config.h"

#include <charconv>

namespace kiln::backends::shell {

namespace {

constexpr std::string_view kUnreadable = "SC1134";
constexpr std::string_view kFailed = "Failed to process ";
constexpr std::string_view kLine = ", line ";
constexpr std::string_view kColon = ": ";
constexpr std::string_view kAdvice = " Fix any mentioned problems and try again.";

}  // namespace

std::vector<std::string> config_paths(std::string_view script) {
  std::vector<std::string> paths;
  while (!script.empty()) {
    const size_t slash = script.rfind('/');
    script = slash == std::string_view::npos ? "" : script.substr(0, slash);
    const std::string directory = script.empty() ? "" : std::string(script) + "/";
    paths.push_back(directory + ".shellcheckrc");
    paths.push_back(directory + "shellcheckrc");
  }
  return paths;
}

std::optional<LintResult> config_finding(std::string_view script, const LintFinding& finding) {
  std::string_view rest = finding.message;
  if (finding.code != kUnreadable || !rest.starts_with(kFailed)) return std::nullopt;
  // The first that fits is the longest: a path below the sandbox, not the end of one.
  for (const std::string& path : config_paths(script)) {
    const std::string mark = "/" + path + std::string(kLine);
    const size_t at = rest.find(mark);
    if (at == std::string_view::npos) continue;
    rest.remove_prefix(at + mark.size());
    LintFinding moved = finding;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), moved.line);
    if (error != std::errc()) return std::nullopt;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    if (rest.starts_with(kColon)) rest.remove_prefix(kColon.size());
    if (rest.ends_with(kAdvice)) rest.remove_suffix(kAdvice.size());
    moved.message = rest;
    return LintResult{path, {std::move(moved)}};
  }
  return std::nullopt;
}

}  // namespace kiln::backends::shell
