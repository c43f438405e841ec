#include "daemon/intrinsics/process_runs.h"

namespace kiln::intrinsics {

namespace {

size_t footprint(const exec::HostTool& tool) {
  size_t bytes = heap_bytes(tool.path) + tool.components.capacity() * sizeof(exec::ToolComponent);
  for (const exec::ToolComponent& component : tool.components) {
    bytes += heap_bytes(component.path) + heap_bytes(component.file);
  }
  return bytes;
}

std::string_view source_name(exec::Source source) {
  switch (source) {
    case exec::Source::kRan:
      return "ran";
    case exec::Source::kRemembered:
      return "memoized";
    case exec::Source::kHitLocally:
      return "hit_locally";
  }
  return "";
}

}  // namespace

size_t footprint(const PreparedProcess& value) {
  const auto& [process, tool, action, fingerprint, why_plain] = *value.parts;
  return sizeof *value.parts + heap_bytes(process.argv) + heap_bytes(process.description) +
         process.inputs->bytes() + heap_bytes(process.env) + heap_bytes(process.working_directory) +
         heap_bytes(process.output_files) + heap_bytes(process.output_directories) +
         heap_bytes(process.host_paths) + footprint(tool) + heap_bytes(action.action) +
         heap_bytes(action.command) + heap_bytes(why_plain);
}

trace::Metadata ProcessOutcome::metadata() const {
  return {
      {"source", std::string(source_name(run.source))},
      {"exit_code", std::to_string(run.result.exit_code)},
      {"wall_seconds", std::to_string(run.result.wall_seconds)},
  };
}

graph::Validity validity_of(const exec::RunResult& result, exec::CacheScope scope) {
  return exec::reach_of(scope, exec::ending_of(result)) == exec::Reach::kRun
             ? graph::Validity::kThisRun
             : graph::Validity::kForever;
}

}  // namespace kiln::intrinsics
