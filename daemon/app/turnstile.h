// Turnstile: how many descriptors are left for clients, and what those get who come too late.
//
// What:    the kernel gives a connection the lowest free descriptor, so its number says how many
//          are taken. The last ones are kept: most for processes and files, a few to tell
//          newcomers, by a gRPC server that answers every call with UNAVAILABLE, that there is no
//          room.
// Owns:    that server, made at the first use. Its connections end after a second.
// Threads: single-owner.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

namespace kiln::app {

class Turnstile {
 public:
  // With the limit of this process (RLIMIT_NOFILE).
  Turnstile();
  ~Turnstile();

  enum class Room : uint8_t { kEnough, kToRefuse, kNone };
  Room room_for(int fd) const;
  // Lets a client know that there is no room. Takes the descriptor.
  void refuse(int fd);
  // What is told, for the log as well.
  const std::string& message() const { return message_; }

 private:
  const uint64_t limit_;
  const std::string message_;
  std::unique_ptr<grpc::CallbackGenericService> service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace kiln::app
