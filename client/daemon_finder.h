// Finding the daemon that runs.
//
// What:   connects at the socket of our runtime directory, else where the daemon of our home says
//         that it listens (life_lock.h), if need be through /proc/PID/root, since another mount
//         namespace may hide that path from us.
// Threads: single-owner. Blocks.
// Cancels: the interrupt ends all waiting.
#pragma once

#include <sys/types.h>

#include <optional>

#include "client/interrupt.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/ipc/paths.h"

namespace kiln {

struct DaemonConnection {
  UniqueFd socket;
  pid_t pid = 0;         // of the daemon, in our PID namespace; 0 if it has no number there
  bool started = false;  // it was not running before
};

// Connects to a running daemon; nothing if there is none. Refuses one of another user.
// Fails: if a daemon holds the home and cannot be reached from here; the error says why, and names
//        its process only where that number means that process.
Result<std::optional<DaemonConnection>> find_daemon(const DaemonPaths& paths, Interrupt& interrupt);

// As find_daemon(). Forced, a daemon near by that cannot be reached is killed, and there is none.
Result<std::optional<DaemonConnection>> find_daemon_to_stop(const DaemonPaths& paths, bool force,
                                                            Interrupt& interrupt);

// Waits until the daemon of `connection` has ended; false if it has not within the patience (-1:
// endless). A daemon without a number here is watched by the lock in its home.
Result<bool> wait_for_end(pid_t pid, const DaemonPaths& paths, Interrupt& interrupt,
                          int patience_milliseconds);

// Ends a daemon that does not answer; does nothing if its process has no number here.
Result<void> kill_daemon(pid_t pid);

// Whether this process is a descendant of process `pid`.
bool runs_below(pid_t pid);

// "process 12", or where it is if it has no number here.
std::string daemon_name(pid_t pid);
// What the kernel says about a process that does not answer, for a person: that it is stopped, say.
// Empty: nothing special.
std::string process_state(pid_t pid);

}  // namespace kiln
