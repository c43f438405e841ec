#include "daemon/session/preparation.h"

#include <utility>

#include "daemon/session/captures.h"

namespace kiln::session {

Task<Result<Asked<intrinsics::PreparedExecution>>> prepare(const Engine& engine, const Run& run,
                                                           const ProcessSpec& spec) {
  intrinsics::ExecutionRequest request{spec, {}};
  for (const Digest& digest : spec.input_digests) request.inputs.emplace_back(digest);
  if (spec.input_globs.empty()) {
    return ask<intrinsics::PreparedExecution>(engine, run, std::move(request));
  }
  PathGlobs globs{spec.input_globs, GlobMatchError::kError, GlobConjunction::kAllMatch,
                  "the inputs of '" + spec.title() + "'"};
  if (spec.no_ignore) globs.rules = intrinsics::IgnoreRulesFor::kNone;
  return ask<intrinsics::PreparedExecution>(
      engine, run, intrinsics::WorkspaceExecutionRequest{std::move(request), std::move(globs)});
}

std::vector<std::string> warnings_of(const intrinsics::PreparedExecution& prepared) {
  std::vector<std::string> warnings = prepared.warnings;
  const std::string& why_plain = prepared.process.parts->why_plain;
  if (!why_plain.empty()) warnings.push_back(why_plain);
  for (const exec::ToolComponent& component : prepared.process.parts->tool.components) {
    if (component.kind != exec::ToolComponent::Kind::kUnknown) continue;
    warnings.push_back(printable(component.path) +
                       " leads to code that kiln cannot see: if that is upgraded, old results are "
                       "repeated; run what it leads to by its own path, or pass its version with "
                       "--env");
  }
  return warnings;
}

}  // namespace kiln::session
