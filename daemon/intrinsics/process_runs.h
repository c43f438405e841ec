// Processes on their way to a result: prepared, run.
//
// What:    preparing finds the inputs and the tool, and with them the action. One node runs each
//          action, so that equal work runs once, for whoever asks and however it was asked for.
// Threads: immutable values.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/exec/runner.h"
#include "daemon/graph/function.h"
#include "daemon/intrinsics/path_globs.h"
#include "daemon/intrinsics/process_values.h"
#include "daemon/trace/annotation.h"

namespace kiln::intrinsics {

// A process with all that decides its result. Two of the same action and cache scope are equal:
// what else they say (a description) is in no key.
struct PreparedProcess {
  static constexpr std::string_view kTypeName = "PreparedProcess";

  struct Parts {
    exec::Process process;
    exec::HostTool tool;
    exec::Action action;
  };
  std::shared_ptr<const Parts> parts;  // never null

  std::string title() const { return parts->process.description; }
  friend bool operator==(const PreparedProcess& a, const PreparedProcess& b) {
    return a.parts->action.digest == b.parts->action.digest &&
           a.parts->process.cache_scope == b.parts->process.cache_scope;
  }
};
size_t footprint(const PreparedProcess& value);
inline void encode_value(rules::Encoder& out, const PreparedProcess& value) {
  rules::encode_value(out, value.parts->action.digest);
  rules::encode_value(out, value.parts->process.cache_scope);
}
inline void write_value(rules::ValueWriter& out, const PreparedProcess& value) {
  rules::write_value(out, value.parts->action.digest);
}

// How a process ended: what the cache remembers of it. How that came about is no part of it.
struct ProcessOutcome {
  static constexpr std::string_view kTypeName = "ProcessOutcome";
  static constexpr trace::Level kLevel = trace::Level::kInfo;

  exec::RunResult run;
  Hash128 node;  // whose value this is

  trace::Level level() const { return kLevel; }
  trace::Metadata metadata() const;
  static void fields(auto& self, auto&& field) {
    field("exit_code", self.run.result.exit_code);
    field("timed_out", self.run.timed_out);
    field("stdout_digest", self.run.result.stdout_digest);
    field("stderr_digest", self.run.result.stderr_digest);
    field("output_digest", self.run.result.output_digest);
    field("missing_outputs", self.run.result.missing_outputs);
  }
  friend bool operator==(const ProcessOutcome& a, const ProcessOutcome& b);
};
// With the node, which is what is to be forgotten if the bytes of an outcome are lost.
inline void encode_value(rules::Encoder& out, const ProcessOutcome& value) {
  rules::encode_value(out, value.node);
  ProcessOutcome::fields(
      value, [&out](std::string_view, const auto& field) { rules::encode_value(out, field); });
}

// A process whose inputs are these trees together.
struct ExecutionRequest {
  static constexpr std::string_view kTypeName = "ExecutionRequest";

  Process process;  // its own input_digest does not count
  std::vector<DirectoryDigest> inputs;

  std::string title() const { return process.title(); }
  static void fields(auto& self, auto&& field) {
    field("process", self.process);
    field("inputs", self.inputs);
  }
  friend bool operator==(const ExecutionRequest&, const ExecutionRequest&) = default;
};
// The same with files of the workspace among them.
struct WorkspaceExecutionRequest {
  static constexpr std::string_view kTypeName = "WorkspaceExecutionRequest";

  ExecutionRequest request;
  PathGlobs globs;

  std::string title() const { return request.title(); }
  static void fields(auto& self, auto&& field) {
    field("request", self.request);
    field("globs", self.globs);
  }
  friend bool operator==(const WorkspaceExecutionRequest&,
                         const WorkspaceExecutionRequest&) = default;
};
struct PreparedExecution {
  static constexpr std::string_view kTypeName = "PreparedExecution";

  PreparedProcess process;
  std::vector<std::string> warnings;  // of globs that matched nothing, of files left out
  DirectoryDigest captured;           // the inputs that come from the workspace

  friend bool operator==(const PreparedExecution&, const PreparedExecution&) = default;
};
inline size_t footprint(const PreparedExecution& value) {
  return footprint(value.process) + heap_bytes(value.warnings) + footprint(value.captured);
}
inline void encode_value(rules::Encoder& out, const PreparedExecution& value) {
  encode_value(out, value.process);
  rules::encode_value(out, value.warnings);
  encode_value(out, value.captured);
}

// What separates the actions of a scope from those that may be shared for ever; part of the key.
std::string_view cache_salt(exec::CacheScope scope);
// What the cache scope says of a result. A failure under kSuccessful holds for the run that saw
// it, and so does whatever timed out.
graph::Validity validity_of(const exec::RunResult& result, exec::CacheScope scope);

}  // namespace kiln::intrinsics
