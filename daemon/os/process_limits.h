// What a process inherits from whoever started the daemon, and how that is undone.
//
// What:    a daemon is started from some shell, and serves others for hours. Resource limits,
//          niceness, processors and the like of that shell must not reach the processes of others,
//          nor cut what the daemon writes to its store. The daemon sheds them when it starts, and
//          every process is given one table of limits, that of a plain login shell.
// Threads: stateless. shed_inherited_state() comes before any thread is made: threads have
//          niceness, scheduling and processors of their own, which they inherit.
#pragma once

#include <sys/resource.h>

#include <string>
#include <vector>

#include "common/base/result.h"

namespace kiln::os {

struct ResourceLimit {
  __rlimit_resource resource;
  rlimit limit;
};
using ProcessLimits = std::vector<ResourceLimit>;

// The limits that every process gets, as far as the hard limits of this process allow:
//
//   limit                           soft      why
//   FSIZE, CPU, AS, DATA, RSS       none      a process does what it would do in a plain shell
//   STACK                           8 MiB     Linux's default; `unlimited` changes memory layouts
//   CORE                            0         no core file becomes an output by accident
//   NOFILE                          1024      programs that use select(2) or close all descriptors
//                                             one by one rely on it; the hard limit stays
//   NPROC, SIGPENDING, MSGQUEUE,    the hard  as login shells have them
//   MEMLOCK, NICE, RTPRIO, RTTIME   limit
//
// LOCKS is not among them: it holds the process's tag.
ProcessLimits plain_limits();

// Raises the limits of this process to those above, hard limits too where this user may, and its
// soft limit of open files to the hard one. An error if the size of files or the time of processors
// stays limited: results would be cut without anybody noticing.
Result<void> shed_inherited_limits();

// Gives this process, and so those that it starts, all processors, niceness 0, the default
// scheduling, I/O priority, memory policy, execution domain and chance in an OOM kill. SIGCHLD has
// its default action and no signal is blocked. Threads that are made later have stacks of 8 MiB.
// Returns what could not be undone, a sentence each.
std::vector<std::string> shed_inherited_state();

// Hard limits that cannot be raised and that processes may meet, a sentence each. Where everybody
// has them they belong to the machine, and they are in no key.
std::vector<std::string> limits_that_stay();

// Whether process `pid` has a higher hard limit than this one, where this one's is too low. A
// daemon that `pid` would start could give processes what they should have.
bool has_better_limits(pid_t pid);

}  // namespace kiln::os
