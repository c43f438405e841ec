// Which process is at the other end of a call.
// Threads: stateless, thread-safe.
#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

namespace kiln::service {

// The process that made the connection (SO_PEERCRED, unix(7)), as numbered in this process's own
// pid namespace; 0 if that cannot be told: it lives in a namespace outside, or the connection is
// not one that the daemon's listener accepted.
pid_t caller_process(const grpc::ServerContextBase& context);

}  // namespace kiln::service
