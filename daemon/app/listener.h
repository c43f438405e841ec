// Listener: the daemon's socket. Only processes of the daemon's own user get through.
//
// What:    a Unix socket of mode 0600 in the 0700 runtime directory. Each connection's peer is
//          checked with SO_PEERCRED before gRPC sees a byte of it.
// Owns:    the socket, its name, and the thread that accepts; both go with close().
// Threads: single-owner.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::app {

class Listener {
 public:
  // Replaces a stale socket of that name: the caller holds the life lock, so nobody serves it.
  static Result<std::unique_ptr<Listener>> open(const std::string& path, grpc::Server& server,
                                                Log& log);
  ~Listener();

  // Takes the name away first, so that clients start a new daemon instead of waiting for this one.
  void close();

 private:
  Listener(std::string path, UniqueFd socket, UniqueFd stop, grpc::Server& server, Log& log);
  void accept_loop();
  bool admit(int fd);

  const std::string path_;
  const UniqueFd socket_;
  const UniqueFd stop_;  // eventfd
  grpc::Server& server_;
  Log& log_;
  std::thread thread_;
};

}  // namespace kiln::app
