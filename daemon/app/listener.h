// Listener: the daemon's socket. Only processes of the daemon's own user get through.
//
// What:    a Unix socket of mode 0600 in the 0700 runtime directory. Each connection's peer is
//          checked with SO_PEERCRED before gRPC sees a byte of it. If the name or its directory is
//          removed, both are made again within a second or two; if that cannot be, or another
//          daemon has the name, `on_lost` is called, once. When few descriptors are left, a further
//          client gets a server that only says so.
// Owns:    the socket, its name, and the thread that accepts; both go with close().
// Threads: single-owner.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/ipc/paths.h"
#include "daemon/app/bound_socket.h"
#include "daemon/app/turnstile.h"

namespace kiln::app {

class Listener {
 public:
  // Replaces a stale socket of that name: the caller holds the life lock, so nobody serves it.
  // `on_lost` is called on the listener's thread.
  using OnLost = std::function<void(const std::string& why)>;
  static Result<std::unique_ptr<Listener>> open(const DaemonPaths& paths, grpc::Server& server,
                                                Log& log, OnLost on_lost);
  ~Listener();

  // Takes the name away first, if it is still this one's, so that clients start a new daemon
  // instead of waiting for this one.
  void close();

 private:
  Listener(DaemonPaths paths, BoundSocket socket, UniqueFd stop, grpc::Server& server, Log& log,
           OnLost on_lost);
  void accept_loop();
  // Takes all that have connected. False: no descriptor is left to take one with.
  bool accept_all();
  void take_over(int fd);
  bool admit(int fd);
  // Makes the socket again if its name is gone.
  void look_after_name();

  const DaemonPaths paths_;
  BoundSocket socket_;   // the thread's, until it is joined
  const UniqueFd stop_;  // eventfd
  grpc::Server& server_;
  Log& log_;
  const OnLost on_lost_;
  Turnstile turnstile_;
  bool told_of_exhaustion_ = false;
  int lost_ = 0;  // how often in a row the name could not be made again
  std::thread thread_;
};

}  // namespace kiln::app
