// Executions: one process for one caller, from its words to its result.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/intrinsics/process_values.h"
#include "daemon/session/captures.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"

namespace kiln::session {

// A process as the caller wrote it: paths unchecked, inputs not resolved.
struct ProcessSpec : intrinsics::Process {
  std::vector<Digest> input_digests;     // merged, together with
  std::vector<std::string> input_globs;  // files of the workspace; each must match
};

enum class ResultSource : uint8_t { kRan, kMemoized, kHitLocally };

struct Executed {
  exec::RunResult result;
  ResultSource source = ResultSource::kRan;
  Digest action;
  ClockTick clock;
  std::vector<std::string> warnings;
};

struct ExecuteOptions {
  exec::KeepSandboxes keep = exec::KeepSandboxes::kNever;
  bool write_outputs = false;
  intrinsics::OutputFollower* follower = nullptr;  // may be null
  // Hands the result's bytes to the caller. kNotFound says that the store has lost some: then the
  // process is run again, and the second result delivered.
  std::function<Task<Result<void>>(const Executed&)> deliver;  // may be empty
};

// Runs the process, or remembers. Cancelling the run kills it if nobody else waits for it. Bytes
// that were damaged on disk are captured, or made by the process, once more.
Task<Result<Executed>> execute(const Engine& engine, const Run& run, ProcessSpec spec,
                               ExecuteOptions options);

}  // namespace kiln::session
