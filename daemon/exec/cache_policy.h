// CachePolicy: what may be remembered of a process, by its cache scope and by how it ended.
//
// What:    the one table of cache scopes. The memo, the results of the daemon's life, the store and
//          (later) remote caches ask it; none of them knows scopes by name.
// Source:  the process table of semantics.md; ProcessCacheScope of Pants' rules API.
// Threads: stateless.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "daemon/exec/process.h"
#include "daemon/exec/runner.h"

namespace kiln::exec {

// How a process ended, as far as caching is concerned.
enum class Ending : uint8_t {
  kSuccess,  // exit code 0
  kFailure,  // any other exit code
  kSignal,   // a signal ended it; who sent the signal is not known
  kTimeout,  // kiln ended it because its time was up
};
Ending ending_of(const RunResult& run);
Ending ending_of(const store::ActionResult& result);  // of a recorded one: never kTimeout

// How far the memory of a result reaches. Each includes those above it.
enum class Reach : uint8_t {
  kRun,     // the run that saw it
  kDaemon,  // the life of the daemon, however small the memo is
  kStore,   // the store of this machine
  kShared,  // caches that other machines read
};

struct CachePolicy {
  // Part of the key: separates results that must not be shared with other scopes.
  std::string_view salt;
  Reach success = Reach::kRun;
  Reach failure = Reach::kRun;
};
CachePolicy policy_of(CacheScope scope);

// How far a result of this scope reaches. A death by a signal and a timeout reach no further than
// their run, whatever the scope.
Reach reach_of(CacheScope scope, Ending ending);
// The widest reach that any result of this scope has: where it is worth looking for one.
Reach widest_reach(CacheScope scope);

}  // namespace kiln::exec
