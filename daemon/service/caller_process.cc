#include "daemon/service/caller_process.h"

#include <sys/socket.h>

#include <charconv>
#include <string>
#include <string_view>

namespace kiln::service {

pid_t caller_process(const grpc::ServerContextBase& context) {
  // gRPC names a connection that it was handed as a descriptor "fd:N"
  // (grpc::AddInsecureChannelFromFd). The call is in flight, so the descriptor is open; if the
  // connection broke this instant and another took its number, a slot is lent for as long as a call
  // takes that ends at once.
  const std::string peer = context.peer();
  constexpr std::string_view kPrefix = "fd:";
  if (!peer.starts_with(kPrefix)) return 0;
  int fd = -1;
  const char* const end = peer.data() + peer.size();
  if (std::from_chars(peer.data() + kPrefix.size(), end, fd).ptr != end) return 0;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return 0;
  return credentials.pid;
}

}  // namespace kiln::service
