#include "daemon/app/listener.h"

#include <fcntl.h>
#include <grpcpp/server_posix.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kiln::app {

namespace {
constexpr int kBacklog = 1024;  // hundreds of clients may come at the same instant
}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const std::string& path, grpc::Server& server,
                                                 Log& log) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return os_error(errno, "make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ::unlink(path.c_str());
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), kBacklog) != 0) {
    return os_error(errno, "listen at " + path);
  }
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return os_error(errno, "make an eventfd");
  return std::unique_ptr<Listener>(
      new Listener(path, std::move(socket), std::move(stop), server, log));
}

Listener::Listener(std::string path, UniqueFd socket, UniqueFd stop, grpc::Server& server, Log& log)
    : path_(std::move(path)),
      socket_(std::move(socket)),
      stop_(std::move(stop)),
      server_(server),
      log_(log),
      thread_([this] { accept_loop(); }) {}

Listener::~Listener() { close(); }

void Listener::close() {
  if (!thread_.joinable()) return;
  ::unlink(path_.c_str());
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void Listener::accept_loop() {
  for (;;) {
    pollfd fds[2] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) {
      log_.error("cannot wait for clients: " + std::string(std::strerror(errno)));
      return;
    }
    // Those who connected before the name went are still served.
    int fd;
    while ((fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
      if (admit(fd)) {
        grpc::AddInsecureChannelFromFd(&server_, fd);
      } else {
        ::close(fd);
      }
    }
    if ((fds[1].revents & POLLIN) != 0) return;
  }
}

bool Listener::admit(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    log_.warn("refused a client whose user is not known");
    return false;
  }
  if (peer.uid != ::geteuid()) {
    log_.warn("refused process " + std::to_string(peer.pid) + " of user " +
              std::to_string(peer.uid));
    return false;
  }
  return true;
}

}  // namespace kiln::app
