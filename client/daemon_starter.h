// Starting the daemon when there is none.
//
// What:   a client that finds no daemon (daemon_finder.h) takes the start lock, looks again, and
//         starts `kilnd` under it, so that any number of clients start exactly one.
// Starts: daemon_program(), in its own session, in "/", without our descriptors. It writes
//         "ready\n" to the descriptor that --ready-fd names when it accepts connections; before
//         that, what it says on stdout and stderr (pipes) is what the error shows. After that it
//         must not need them.
// Threads: single-owner. Blocks.
// Cancels: the interrupt ends the waiting for a daemon; the daemon goes on.
#pragma once

#include "client/daemon_finder.h"
#include "client/interrupt.h"
#include "common/base/result.h"
#include "common/ipc/paths.h"

namespace kiln {

Result<DaemonConnection> find_or_start_daemon(const DaemonPaths& paths, Interrupt& interrupt);

// `error` with where the daemon's log is, if there is one.
Error with_log(const Error& error, const DaemonPaths& paths);

}  // namespace kiln
