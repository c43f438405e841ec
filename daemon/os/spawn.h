// Starting and ending processes.
//
// spawn() does not copy the daemon's address space (clone with CLONE_VM | CLONE_VFORK), so its cost
// does not grow with the daemon, and returns a pidfd, so that no pid is ever mistaken.
// Threads: thread-safe. Blocking for the length of an exec. Call from a thread that lives as long
//          as the daemon: the child dies (PR_SET_PDEATHSIG) with the thread that started it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::os {

// Marks a process and all its descendants, across fork and exec: the soft limit RLIMIT_LOCKS, which
// Linux has ignored since 2.4.25, inherits, and shows to prlimit(2). 0 is no tag.
using ProcessTag = uint64_t;

struct SpawnRequest {
  std::string executable;         // path, not looked up; relative to the working directory
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::string> env;   // "NAME=value", the whole environment
  int working_directory_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;  // stdin is /dev/null
  ProcessTag tag = 0;
};

struct Child {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// The child leads its own process group, has default signal dispositions, an empty signal mask,
// umask 022 and no descriptor beyond 0, 1, 2. kCommandNotFound / kCommandNotExecutable when exec
// says so: the executable or its interpreter is missing; it cannot be executed.
Result<Child> spawn(const SpawnRequest& request);

struct ExitStatus {
  int exit_code = 0;  // ended by signal N: -N
  double user_seconds = 0;
  double system_seconds = 0;
  int64_t peak_memory_bytes = 0;
};
// Blocks until the child has ended, and reaps it.
Result<ExitStatus> reap(const Child& child);

void signal_group(pid_t group, int signal);

// Makes this process the reaper of its orphaned descendants (PR_SET_CHILD_SUBREAPER).
Result<void> become_subreaper();
// SIGKILLs every process that carries `tag`, wherever it escaped to, and reaps those that became
// children of this process; returns when none is left. How many were killed.
// `among_children_only`: look only below this process (cheap), else at all of /proc.
size_t kill_tagged(ProcessTag tag, bool among_children_only);
// The same for every process whose tag satisfies (tag & mask) == value: leftovers of a daemon that
// was killed.
size_t kill_tagged_matching(ProcessTag mask, ProcessTag value);

}  // namespace kiln::os
