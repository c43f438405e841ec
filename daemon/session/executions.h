// Executions: one process for one caller, from its words to its result.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/exec/runner.h"
#include "daemon/session/captures.h"
#include "daemon/session/engine.h"
#include "daemon/session/process_spec.h"
#include "daemon/session/run.h"

namespace kiln::session {

enum class ResultSource : uint8_t { kRan, kMemoized, kHitLocally };

struct Executed {
  exec::RunResult result;
  ResultSource source = ResultSource::kRan;
  Digest action;
  ClockTick clock;
  std::vector<std::string> warnings;
  // Of a process that failed: files of the workspace that it asked for and that were no inputs.
  std::vector<std::string> missing_inputs;
};

// When the outputs of a process are written into the workspace.
enum class WriteOutputs : uint8_t { kNever, kOnSuccess, kAlways };

struct ExecuteOptions {
  exec::KeepSandboxes keep = exec::KeepSandboxes::kNever;
  WriteOutputs write_outputs = WriteOutputs::kNever;
  intrinsics::OutputFollower* follower = nullptr;  // may be null
  // Hands the result's bytes to the caller. kNotFound says that the store has lost some: then the
  // process is run again, and the second result delivered.
  std::function<Task<Result<void>>(const Executed&)> deliver;  // may be empty
};

// Runs the process, or remembers. Cancelling the run kills it if nobody else waits for it. Bytes
// that were damaged on disk are captured, or made by the process, once more. Outputs are written
// where they were in the sandbox, the working directory included, after the result was delivered;
// kFailedPrecondition if that would replace a file that was edited since it was captured.
Task<Result<Executed>> execute(const Engine& engine, const Run& run, ProcessSpec spec,
                               ExecuteOptions options);

}  // namespace kiln::session
