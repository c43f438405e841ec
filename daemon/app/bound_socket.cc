#include "daemon/app/bound_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kiln::app {

namespace {

constexpr int kBacklog = 1024;  // hundreds of clients may come at the same instant

// False if the path is longer than an address can be.
bool set_path(const std::string& path, sockaddr_un& address) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

bool somebody_listens(const std::string& path) {
  sockaddr_un address{};
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid() || !set_path(path, address)) return false;
  // EAGAIN: a queue that is full, and so one that somebody made.
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno == EAGAIN;
}

}  // namespace

Result<BoundSocket> BoundSocket::bind(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return os_error(errno, "make a socket");
  sockaddr_un address{};
  if (!set_path(path, address)) return os_error(ENAMETOOLONG, "listen at " + path);
  ::unlink(path.c_str());
  struct stat st;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      ::lstat(path.c_str(), &st) != 0) {
    return os_error(errno, "listen at " + path);
  }
  return BoundSocket(path, std::move(fd), st.st_dev, st.st_ino);
}

bool BoundSocket::is_ours() const {
  struct stat st;
  return ::lstat(path_.c_str(), &st) == 0 && st.st_dev == device_ && st.st_ino == inode_;
}

BoundSocket::Name BoundSocket::name() const {
  if (is_ours()) return Name::kOurs;
  return somebody_listens(path_) ? Name::kAnothers : Name::kGone;
}

void BoundSocket::remove_name() const {
  if (is_ours()) ::unlink(path_.c_str());
}

}  // namespace kiln::app
