// ProcessTag: a mark that a process and all its descendants carry, so that none of them escapes.
//
// What:    the soft limit RLIMIT_LOCKS, which Linux has ignored since 2.4.25, which is
//          inherited across fork, exec, setsid and double forks, and which prlimit(2) shows to
//          others of the same user. A process may shed it with setrlimit(2), or by a change of
//          user: a tag finds what was left behind, it does not hold what wants to break out.
// Threads: thread-safe. Blocking.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/base/result.h"

namespace kiln::os {

using ProcessTag = uint64_t;  // 0 is no tag

// Where a family of processes began: everything that carries its tag was born later.
struct Birth {
  pid_t pid = -1;
  std::chrono::steady_clock::time_point time;
};

// Makes this process the reaper of its orphaned descendants (PR_SET_CHILD_SUBREAPER).
Result<void> become_subreaper();

struct Killed {
  size_t count = 0;      // processes that were sent SIGKILL
  bool complete = true;  // none of them is alive
};

// SIGKILLs every process that carries `tag`, wherever it escaped to, and reaps those that became
// children of this process; returns when none is alive, or at `deadline`. The process that was
// spawned with the tag has ended before; it is not reaped here.
// With `birth`, a family that is a few milliseconds old is looked for among the pids handed out
// since then, in microseconds; else all of /proc is read.
Killed kill_tagged(ProcessTag tag, std::optional<Birth> birth,
                   std::chrono::steady_clock::time_point deadline);

// The same for every process whose tag satisfies (tag & mask) == value: leftovers of a daemon that
// was killed.
Killed kill_tagged_matching(ProcessTag mask, ProcessTag value,
                            std::chrono::steady_clock::time_point deadline);

// The tag that a process carries; 0 if it has none, is gone, or belongs to another user.
ProcessTag tag_of(pid_t pid);

// Sends `signal` once to each process that carries `tag`, is in the group `leader`, or is `leader`
// itself, which has not been reaped yet.
void signal_tagged(ProcessTag tag, pid_t leader, int signal);

}  // namespace kiln::os
