#include "daemon/app/listener.h"

#include <fcntl.h>
#include <grpcpp/server_posix.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kiln::app {

namespace {

// How often the socket's name is looked at; a client waits a few of these for it.
constexpr int kLookMilliseconds = 1000;
// The name cannot be made again: after so many looks the daemon is of no use to anybody.
constexpr int kMostLost = 10;
// Nobody can be taken: the queue is left alone for so long.
constexpr int kPauseMilliseconds = 200;

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const DaemonPaths& paths, grpc::Server& server,
                                                 Log& log, OnLost on_lost) {
  KILN_ASSIGN(BoundSocket socket, BoundSocket::bind(paths.socket));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return os_error(errno, "make an eventfd");
  return std::unique_ptr<Listener>(
      new Listener(paths, std::move(socket), std::move(stop), server, log, std::move(on_lost)));
}

Listener::Listener(DaemonPaths paths, BoundSocket socket, UniqueFd stop, grpc::Server& server,
                   Log& log, OnLost on_lost)
    : paths_(std::move(paths)),
      socket_(std::move(socket)),
      stop_(std::move(stop)),
      server_(server),
      log_(log),
      on_lost_(std::move(on_lost)),
      thread_([this] { accept_loop(); }) {}

Listener::~Listener() { close(); }

void Listener::close() {
  if (!thread_.joinable()) return;
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void Listener::accept_loop() {
  bool pause = false;
  for (;;) {
    // A queue that cannot be emptied now would wake this thread all the time.
    pollfd fds[2] = {{pause ? -1 : socket_.fd(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, pause ? kPauseMilliseconds : kLookMilliseconds);
    if (ready < 0 && errno != EINTR) {
      log_.error("cannot wait for clients: " + std::string(std::strerror(errno)));
      return;
    }
    const bool closing = (fds[1].revents & POLLIN) != 0;
    if (closing) socket_.remove_name();
    // Those who connected before the name went are still served.
    pause = !accept_all();
    if (closing) return;
    look_after_name();
  }
}

bool Listener::accept_all() {
  for (;;) {
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      take_over(fd);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return true;
    if (!told_of_exhaustion_) {
      log_.error("cannot take a client: " + std::string(std::strerror(errno)));
    }
    told_of_exhaustion_ = true;
    return false;
  }
}

void Listener::take_over(int fd) {
  if (!admit(fd)) {
    ::close(fd);
    return;
  }
  const Turnstile::Room room = turnstile_.room_for(fd);
  if (room == Turnstile::Room::kEnough) {
    told_of_exhaustion_ = false;
    grpc::AddInsecureChannelFromFd(&server_, fd);
    return;
  }
  if (!told_of_exhaustion_) log_.error("a client is refused: " + turnstile_.message());
  told_of_exhaustion_ = true;
  if (room == Turnstile::Room::kToRefuse) return turnstile_.refuse(fd);
  ::close(fd);
}

void Listener::look_after_name() {
  const BoundSocket::Name name = socket_.name();
  if (name == BoundSocket::Name::kOurs) {
    lost_ = 0;
    return;
  }
  if (lost_ >= kMostLost) return;
  if (name == BoundSocket::Name::kAnothers) {
    lost_ = kMostLost;
    on_lost_("another daemon listens at " + paths_.socket);
    return;
  }
  auto made = prepare_runtime_dir(paths_);
  auto again = made.ok() ? BoundSocket::bind(paths_.socket) : made.error();
  if (again.ok()) {
    log_.warn("the socket " + paths_.socket + " was removed; it is made again");
    socket_ = *std::move(again);
    lost_ = 0;
    return;
  }
  if (lost_ == 0) log_.error("the socket was removed: " + again.error().to_string());
  if (++lost_ == kMostLost) on_lost_("its socket " + paths_.socket + " cannot be made again");
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
