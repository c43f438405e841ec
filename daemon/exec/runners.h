// The runners, innermost first. build order of the daemon's stack:
//
//   caching(actions) → bounded(slots) → level → sandbox(store, spawn)
//                                             → strict(store, namespaces)
#pragma once

#include <memory>
#include <string>

#include "common/base/log.h"
#include "daemon/confine/slots.h"
#include "daemon/exec/runner.h"
#include "daemon/trace/counters.h"
#include "daemon/trace/spans.h"

namespace kiln::exec {

struct SandboxOptions {
  std::string directory;  // sandboxes are made here; same file system as the store
  size_t threads = 2;     // as many processes at once; each has a thread that waits for it
  uint32_t instance = 0;  // tells this daemon's processes from another's, see leftovers
  std::chrono::milliseconds grace{2000};  // between SIGTERM and SIGKILL on timeout
};

// Runs a process in a fresh private directory below `directory`, built from the store, with an
// environment from nothing. Kills what a dead daemon of the same instance left, and removes its
// sandboxes, when it is made. Deletes sandboxes in the background. `executor` is where run()
// resumes.
Result<std::unique_ptr<ProcessRunner>> make_sandbox_runner(SandboxOptions options,
                                                           store::Store& store, Executor& executor,
                                                           Counters& counters, Log& log);

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
std::unique_ptr<ProcessRunner> make_bounded_runner(ProcessRunner& inner, size_t slots,
                                                   Executor& executor, Counters& counters,
                                                   trace::Spans& spans);

// Answers from the action cache; puts results there that their cache scope allows: never a timed
// out one. Not consulted for PER_SESSION and PER_RESTART scopes, whose memory is the memo.
std::unique_ptr<ProcessRunner> make_caching_runner(ProcessRunner& inner,
                                                   store::ActionCache& actions, Executor& blocking,
                                                   Executor& executor, Counters& counters);

}  // namespace kiln::exec
