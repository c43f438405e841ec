#include "daemon/session/key_explanation.h"

#include <utility>

#include "daemon/session/preparation.h"

namespace kiln::session {

namespace {

std::string seconds_text(std::chrono::nanoseconds time) {
  std::string text = std::to_string(std::chrono::duration<double>(time).count());
  return text + "s";
}

std::vector<KeyComponent> components_of(const intrinsics::PreparedProcess::Parts& parts) {
  const exec::Process& process = parts.process;
  std::vector<KeyComponent> components;
  const auto add = [&](std::string kind, std::string name, std::string value) {
    components.push_back({std::move(kind), std::move(name), std::move(value), std::nullopt});
  };
  for (size_t i = 0; i < process.argv.size(); ++i) {
    add("argument", std::to_string(i), process.argv[i]);
  }
  for (const auto& [name, value] : process.env) add("environment", name, value);
  const Digest inputs = process.inputs->digest();
  components.push_back({"inputs", "", "", FileDigest{.hash = inputs.hash, .size = inputs.size}});
  add("working_directory", "", process.working_directory.str());
  for (const RelPath& path : process.output_files) add("output_file", path.str(), "");
  for (const RelPath& path : process.output_directories) add("output_directory", path.str(), "");
  if (process.timeout) add("timeout", "", seconds_text(*process.timeout));
  const std::string_view salt = exec::policy_of(process.cache_scope).salt;
  if (!salt.empty()) add("salt", "", std::string(salt));
  for (auto& [name, value] : exec::platform_of(process, parts.tool)) {
    add("platform", std::move(name), std::move(value));
  }
  for (const exec::ToolComponent& part : parts.tool.components) {
    components.push_back({std::string(exec::kind_name(part.kind)), part.path, "",
                          part.kind == exec::ToolComponent::Kind::kUnknown
                              ? std::nullopt
                              : std::optional(part.digest)});
  }
  return components;
}

}  // namespace

Task<Result<KeyExplanation>> explain_key(const Engine& engine, const Run& run, ProcessSpec spec) {
  KILN_CO_ASSIGN(const Asked<intrinsics::PreparedExecution> prepared,
                 co_await prepare(engine, run, spec));
  const intrinsics::PreparedProcess::Parts& parts = *prepared.value->process.parts;
  co_return KeyExplanation{parts.action.digest, components_of(parts), warnings_of(*prepared.value)};
}

}  // namespace kiln::session
