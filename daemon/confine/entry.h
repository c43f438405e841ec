// Starting a process inside the namespaces of a slot.
//
// What:    two clones that share the daemon's memory until exec: the first enters the namespaces,
//          the second is made there as a child of the daemon itself, so that its wait status,
//          resource usage and pidfd are those of any child. Nothing is copied or mounted.
// Threads: thread-safe. Blocking for the length of an exec. The first call filters the calling
//          thread's system calls for good (syscall_filter.h): use threads that start nothing else.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/os/spawn.h"

namespace kiln::confine {

// The namespaces to enter.
struct Namespaces {
  int init_pidfd = -1;  // of the first process in them
  bool own_network = true;
};

struct Command {
  std::string executable;         // path as the process sees it, relative to the working directory
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::string> env;   // "NAME=value", the whole environment
  std::string working_directory;  // absolute, as the process sees it
  int stdout_fd = -1;             // -1: /dev/null
  int stderr_fd = -1;             // -1: /dev/null
  // Outlives the call. Null: those of this process.
  const os::ProcessLimits* limits = nullptr;
};

struct Entered {
  os::Child child;
  bool occupied = false;  // nothing was started: another process was still there, and was killed
};

// The child leads a process group of its own, has no terminal and no capabilities and cannot gain
// any, default signal dispositions, an empty signal mask, umask 022, an own set of System V IPC
// objects, /dev/null as stdin and no descriptor beyond 0, 1, 2. It dies with the slot.
// kCommandNotFound / kCommandNotExecutable when exec says so.
Result<Entered> start_in(const Namespaces& namespaces, const Command& command);

// Sends `signal` to every process there but the first. How it works is as above.
Result<void> signal_all_in(const Namespaces& namespaces, int signal);

}  // namespace kiln::confine
