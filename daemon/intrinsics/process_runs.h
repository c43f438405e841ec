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

#include "daemon/exec/cache_policy.h"
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
    HostFingerprint fingerprint = HostFingerprint::kTool;
    // Why a process of the level auto is not strict; empty if it is, or if plain was asked for.
    std::string why_plain;
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

// How a process ended, with the facts of the run that found it out (times, source, a kept sandbox).
//
// Equality includes the facts: a process that ran again has another value, so that nobody is told
// the facts of an earlier run. The encoding leaves them out: what is made of an outcome is made of
// its result alone, and is cut off there.
struct ProcessOutcome {
  static constexpr std::string_view kTypeName = "ProcessOutcome";
  static constexpr trace::Level kLevel = trace::Level::kInfo;

  exec::RunResult run;
  RunId of_run;  // the caller's run that it was found out for
  Hash128 node;  // whose value this is

  // A success without all of its declared outputs.
  bool lacks_outputs() const {
    return exec::ending_of(run) == exec::Ending::kSuccess && !run.result.missing_outputs.empty();
  }
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
  friend bool operator==(const ProcessOutcome&, const ProcessOutcome&) = default;
};
// With the node, which is what is to be forgotten if the bytes of an outcome are lost.
inline void encode_value(rules::Encoder& out, const ProcessOutcome& value) {
  rules::encode_value(out, value.node);
  ProcessOutcome::fields(
      value, [&out](std::string_view, const auto& field) { rules::encode_value(out, field); });
}

// A process whose caller requires all of its declared outputs. What is remembered of it without
// them is no answer: it is made again, once in a run, and then it is an error.
struct RequiredProcess {
  static constexpr std::string_view kTypeName = "RequiredProcess";

  PreparedProcess process;

  std::string title() const { return process.title(); }
  friend bool operator==(const RequiredProcess&, const RequiredProcess&) = default;
};
inline size_t footprint(const RequiredProcess& value) { return footprint(value.process); }
inline void encode_value(rules::Encoder& out, const RequiredProcess& value) {
  encode_value(out, value.process);
}
inline void write_value(rules::ValueWriter& out, const RequiredProcess& value) {
  write_value(out, value.process);
}
struct RequiredOutcome {
  static constexpr std::string_view kTypeName = "RequiredOutcome";

  ProcessOutcome outcome;

  friend bool operator==(const RequiredOutcome&, const RequiredOutcome&) = default;
};
inline void encode_value(rules::Encoder& out, const RequiredOutcome& value) {
  encode_value(out, value.outcome);
}
// What is to be made again.
struct IncompleteRun {
  static constexpr std::string_view kTypeName = "IncompleteRun";

  PreparedProcess process;
  ProcessOutcome outcome;

  friend bool operator==(const IncompleteRun&, const IncompleteRun&) = default;
};
inline size_t footprint(const IncompleteRun& value) { return footprint(value.process); }
inline void encode_value(rules::Encoder& out, const IncompleteRun& value) {
  encode_value(out, value.process);
  encode_value(out, value.outcome);
}
inline void write_value(rules::ValueWriter& out, const IncompleteRun& value) {
  write_value(out, value.process);
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

// How long the memo believes a result.
graph::Validity validity_of(const exec::RunResult& result, exec::CacheScope scope);

}  // namespace kiln::intrinsics
