// Finding the daemon, and starting it when there is none.
//
// What:   connects to the daemon of these paths: at the socket of our runtime directory, else where
//         the daemon of our home says it listens (life_lock.h). Whoever finds none takes the start
//         lock, looks again, and starts `kilnd` under it, so that any number of clients start
//         exactly one.
// Starts: daemon_program(), in its own session, in "/", without our descriptors. It writes
//         "ready\n" to the descriptor that --ready-fd names when it accepts connections; before
//         that, what it says on stdout and stderr (pipes) is what the error shows. After that it
//         must not need them.
// Threads: single-owner. Blocks.
// Cancels: the interrupt ends the waiting for a daemon; the daemon goes on.
#pragma once

#include <optional>
#include <string>

#include "client/interrupt.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/ipc/paths.h"

namespace kiln {

struct DaemonConnection {
  UniqueFd socket;
  pid_t pid = 0;         // of the daemon, as the kernel knows it
  bool started = false;  // it was not running before
};

// Connects to a running daemon; nothing if there is none. Refuses one of another user. A daemon
// that lives and cannot be reached is an error that names it.
Result<std::optional<DaemonConnection>> find_daemon(const DaemonPaths& paths, Interrupt& interrupt);

Result<DaemonConnection> find_or_start_daemon(const DaemonPaths& paths, Interrupt& interrupt);

// `error` with where the daemon's log is, if there is one.
Error with_log(const Error& error, const DaemonPaths& paths);

// Waits until process `pid` has ended; false if it has not within the patience (-1: endless).
Result<bool> wait_for_exit(pid_t pid, Interrupt& interrupt, int patience_milliseconds);

}  // namespace kiln
