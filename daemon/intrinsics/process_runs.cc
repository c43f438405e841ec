#include "daemon/intrinsics/process_runs.h"

#include <tuple>

namespace kiln::intrinsics {

size_t footprint(const PreparedProcess& value) {
  const auto& [process, tool, action] = *value.parts;
  return sizeof *value.parts + heap_bytes(process.argv) + heap_bytes(process.description) +
         process.inputs->bytes() + heap_bytes(process.env) + heap_bytes(process.working_directory) +
         heap_bytes(process.output_files) + heap_bytes(process.output_directories) +
         heap_bytes(tool.path) + heap_bytes(action.action) + heap_bytes(action.command);
}

bool operator==(const ProcessOutcome& a, const ProcessOutcome& b) {
  const auto compared = [](const ProcessOutcome& outcome) {
    const store::ActionResult& result = outcome.run.result;
    return std::tie(result.exit_code, outcome.run.timed_out, result.stdout_digest,
                    result.stderr_digest, result.output_digest, result.missing_outputs);
  };
  return compared(a) == compared(b);
}

trace::Metadata ProcessOutcome::metadata() const {
  return {
      {"source", run.source == exec::Source::kRan ? "ran" : "hit_locally"},
      {"exit_code", std::to_string(run.result.exit_code)},
      {"wall_seconds", std::to_string(run.result.wall_seconds)},
  };
}

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

graph::Validity validity_of(const exec::RunResult& result, exec::CacheScope scope) {
  if (result.timed_out) return graph::Validity::kThisRun;
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

}  // namespace kiln::intrinsics
