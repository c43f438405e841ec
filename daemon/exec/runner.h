// ProcessRunner: one way to turn a process into a result; the stack is made of decorators.
//
// Threads: thread-safe. run() starts on the daemon's worker executor and resumes there.
// Cancels: when `stop` fires the process and all its descendants are killed and run() ends with
//          kCancelled.
// Fails:   a command that cannot be started, a missing input blob, a full disk. A process that ran
//          and failed is a result.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/types/ids.h"
#include "daemon/async/executor.h"
#include "daemon/async/task.h"
#include "daemon/exec/process.h"

namespace kiln::exec {

// Follows one process while it runs. Called from the thread that runs it, in order; must not block.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;
  virtual void started(const std::string& sandbox_path) = 0;
  enum class Stream : uint8_t { kStdout, kStderr };
  virtual void output(Stream stream, std::string_view bytes) = 0;
};

// The right to run one process; unique within a daemon's life. 0 is none.
struct SlotId {
  uint64_t value = 0;
  friend auto operator<=>(const SlotId&, const SlotId&) = default;
};

struct RunRequest {
  const Process& process;
  const HostTool& tool;
  const Action& action;
  RunId run;    // slots are shared fairly between runs
  SpanId span;  // of which the wait for a slot is a part; 0: nobody is told
  KeepSandboxes keep = KeepSandboxes::kNever;
  ProcessObserver* observer = nullptr;  // may be null
  std::stop_token stop;
  SlotId slot = {};        // that the process holds while it runs
  size_t slot_number = 0;  // from 1; no other process that runs has it
};

enum class Source : uint8_t {
  kRan,
  kRemembered,  // by the daemon, for a scope that lasts until it restarts
  kHitLocally,  // in the store
};

// A result, with the facts of the run that made it.
struct RunResult {
  store::ActionResult result;
  Source source = Source::kRan;
  bool timed_out = false;
  std::string kept_sandbox;  // empty if not kept
  // Why outputs are missing, one line for each; of a process that ran now. A record has the paths
  // alone.
  std::vector<std::string> missing_notes;
  SandboxLevel level = SandboxLevel::kPlain;
  friend bool operator==(const RunResult&, const RunResult&) = default;
};

class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  virtual Task<Result<RunResult>> run(const RunRequest& request) = 0;
};

}  // namespace kiln::exec
