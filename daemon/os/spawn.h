// Starting and ending processes.
//
// spawn() does not copy the daemon's address space (clone with CLONE_VM | CLONE_VFORK), so its cost
// does not grow with the daemon, and returns a pidfd, so that no pid is ever mistaken.
// Threads: thread-safe. Blocking for the length of an exec. Call from a thread that lives as long
//          as the daemon: the child dies (PR_SET_PDEATHSIG) with the thread that started it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "daemon/os/process_limits.h"
#include "daemon/os/process_tag.h"

namespace kiln::os {

struct SpawnRequest {
  std::string executable;         // path, not looked up; relative to the working directory
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::string> env;   // "NAME=value", the whole environment
  int working_directory_fd = -1;  // -1: this process's own
  int stdout_fd = -1;             // -1: /dev/null
  int stderr_fd = -1;             // -1: /dev/null
  // Carried by the child and its descendants. Where the hard limit forbids it they have none.
  ProcessTag tag = 0;
  // Outlives the call. Null: those of this process.
  const ProcessLimits* limits = nullptr;
};

struct Child {
  pid_t pid = -1;
  UniqueFd pidfd;  // readable when the child has ended
  Birth birth;
};

// The child leads a process group of its own and has no terminal, default signal dispositions, an
// empty signal mask, umask 022, /dev/null as stdin and no descriptor beyond 0, 1, 2.
// kCommandNotFound / kCommandNotExecutable when exec says so: the executable or its interpreter is
// missing; it cannot be executed.
Result<Child> spawn(const SpawnRequest& request);

// The interpreter that the first line of a script names, from how the script begins; empty if it
// names none.
std::string interpreter_in(std::string_view head);
// Why `executable`, which is there, could not be executed: `interpreter` is missing. `where` ends
// the sentence "... does not exist".
Error interpreter_error(const std::string& executable, const std::string& interpreter,
                        std::string_view where = "");

struct ExitStatus {
  int exit_code = 0;  // ended by signal N: -N
  double user_seconds = 0;
  double system_seconds = 0;
  // 0 if unknown: Linux counts the memory of whoever started a process without a fork as the
  // process's own, so only a peak above this process's own peak is the child's.
  int64_t peak_memory_bytes = 0;
};
// Blocks until the child has ended, and reaps it.
Result<ExitStatus> reap(const Child& child);
// The same until `deadline` at most; nothing if the child cannot be reaped until then. A child that
// has ended cannot be reaped while another process traces it (ptrace(2)).
Result<std::optional<ExitStatus>> reap_until(const Child& child,
                                             std::chrono::steady_clock::time_point deadline);

// To the child, whatever group it is in, and to every process of the group that it began with. The
// child has not been reaped yet.
void signal_family(const Child& child, int signal);

}  // namespace kiln::os
