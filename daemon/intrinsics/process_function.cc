#include "daemon/intrinsics/process_function.h"

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/key_encoder.h"

namespace kiln::intrinsics {

namespace {

constexpr std::string_view kName = "process/1";

graph::Validity validity_of(const exec::RunResult& result, exec::CacheScope scope) {
  if (result.timed_out) return graph::Validity::kNever;
  const bool success = result.result.exit_code == 0;
  switch (scope) {
    case exec::CacheScope::kPerSession:
      return graph::Validity::kThisRun;
    case exec::CacheScope::kSuccessful:
    case exec::CacheScope::kPerRestartSuccessful:
      return success ? graph::Validity::kForever : graph::Validity::kThisRun;
    case exec::CacheScope::kAlways:
    case exec::CacheScope::kPerRestartAlways:
      return graph::Validity::kForever;
  }
  return graph::Validity::kNever;
}

}  // namespace

std::string_view cache_salt(exec::CacheScope scope) {
  switch (scope) {
    case exec::CacheScope::kSuccessful:
    case exec::CacheScope::kAlways:
      return "";
    case exec::CacheScope::kPerSession:
      return "session";
    case exec::CacheScope::kPerRestartSuccessful:
    case exec::CacheScope::kPerRestartAlways:
      return "restart";
  }
  return "";
}

std::string_view ProcessFunction::name() const { return kName; }

std::string ProcessFunction::describe(const graph::Value& value) const {
  const auto& process = graph::value_as<ProcessInput>(value).process;
  return process.description.empty() ? process.argv.front() : process.description;
}

Hash128 ProcessFunction::hash_of(const ProcessInput& input) {
  // The scope decides what is remembered, so it parts nodes that share an action.
  return KeyEncoder(kName)
      .add(input.action.digest)
      .add(static_cast<uint64_t>(input.process.cache_scope))
      .hash();
}

graph::Key ProcessFunction::key(ProcessInput input) const {
  const Hash128 hash = hash_of(input);
  return {hash, this, graph::make_value(std::move(input))};
}

Task<Result<graph::Computed>> ProcessFunction::compute(graph::Context& context,
                                                       const graph::Value& value) const {
  const auto& input = graph::value_as<ProcessInput>(value);
  const Hash128 hash = hash_of(input);
  const auto observer = hub_.open(hash);
  const exec::RunRequest request{.process = input.process,
                                 .tool = input.tool,
                                 .action = input.action,
                                 .run = context.run(),
                                 .keep = hub_.keep(hash),
                                 .observer = observer.get(),
                                 .stop = context.stop_token()};
  KILN_CO_ASSIGN(auto result, co_await runner_.run(request));
  const graph::Validity validity = validity_of(result, input.process.cache_scope);
  co_return graph::Computed{graph::make_value(ProcessValue{std::move(result), context.run()}),
                            validity};
}

}  // namespace kiln::intrinsics
