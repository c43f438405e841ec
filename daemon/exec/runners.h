// The runners, innermost first. build order of the daemon's stack:
//
//   caching(results) → bounded(slots) → checking(tool) → level → sandbox(store, spawn)
//                                                              → strict(store, namespaces)
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "common/base/log.h"
#include "daemon/confine/slots.h"
#include "daemon/exec/recorded_results.h"
#include "daemon/exec/runner.h"
#include "daemon/exec/tool_check.h"
#include "daemon/os/process_tag.h"
#include "daemon/trace/counters.h"
#include "daemon/trace/spans.h"

namespace kiln::exec {

class SandboxMemory;

struct SandboxOptions {
  std::string directory;  // sandboxes are made here; same file system as the store
  std::string caches;     // append-only caches are kept here
  // Sandboxes that are not to be kept are made there as long as they fit; null: none are.
  SandboxMemory* memory = nullptr;
  size_t threads = 2;     // each process has a thread that waits for it; so many are kept ready
  uint32_t instance = 0;  // tells this daemon's processes from another's, see leftovers
  std::chrono::milliseconds grace{2000};  // between SIGTERM and SIGKILL on timeout
  // After a SIGKILL. What is alive then cannot be ended (it waits for a device, say): its slot is
  // given back, and its sandbox not used again.
  std::chrono::milliseconds patience{5000};
};

class SandboxedRunner : public ProcessRunner {
 public:
  // The slot of the process that `caller` is or descends from; of value 0 if it is none of this
  // runner's.
  virtual SlotId slot_of(pid_t caller) = 0;
};

// The high bits of the tags of a daemon's processes: 16 that say kiln, 32 that say which daemon.
// The low 16 count processes: those in sandboxes below kFirstInteractiveTag, those in a client's
// terminal from there on. Numbers come round, but not while a process of that number is alive.
inline constexpr os::ProcessTag kFirstInteractiveTag = 0xf000;
os::ProcessTag daemon_tag(uint32_t instance);

// Runs a process in a fresh private directory below `directory`, built from the store, with an
// environment from nothing. Kills what a dead daemon of the same instance left, and removes its
// sandboxes, when it is made. Deletes sandboxes in the background. `executor` is where run()
// resumes.
Result<std::unique_ptr<SandboxedRunner>> make_sandbox_runner(SandboxOptions options,
                                                             store::Store& store,
                                                             Executor& executor, Counters& counters,
                                                             Log& log);

class BoundedRunner : public ProcessRunner {
 public:
  // For a process that calls kiln itself and so waits for others: its slot counts as free as long
  // as the result lives. Loans of one slot nest: it is free once. Null if `slot` is not held.
  virtual std::shared_ptr<void> lend(SlotId slot) = 0;
};

// Runs a process at the level strict, in one of `slots`. Sandboxes that are to be kept are copied
// to `options.directory`; `options.instance` is not used.
std::unique_ptr<ProcessRunner> make_strict_runner(SandboxOptions options, confine::Slots& slots,
                                                  store::Store& store, Executor& executor,
                                                  Counters& counters, Log& log);

// Hands each process to the runner of its level. `strict` is null where this machine does not allow
// it, and `support` says why.
std::unique_ptr<ProcessRunner> make_level_runner(ProcessRunner& plain, ProcessRunner* strict,
                                                 confine::Support support);

// At most `slots` at once, shared between runs as SlotQueue says. Who waited goes on at `executor`;
// `spans` is told of the wait as "wait_for_slot".
std::unique_ptr<BoundedRunner> make_bounded_runner(ProcessRunner& inner, size_t slots,
                                                   Executor& executor, Counters& counters,
                                                   trace::Spans& spans);

// Looks at the tool right before the process starts and right after it ended. Fails with
// tool_changed() if it was not the tool of the key all the time: then nothing above remembers the
// result.
std::unique_ptr<ProcessRunner> make_checking_runner(ProcessRunner& inner, ToolCheck& check,
                                                    Executor& blocking, Executor& executor,
                                                    Counters& counters);

// Answers from recorded results, and records those that CachePolicy allows.
std::unique_ptr<ProcessRunner> make_caching_runner(ProcessRunner& inner, RecordedResults& results,
                                                   Executor& blocking, Executor& executor,
                                                   Counters& counters);

}  // namespace kiln::exec
