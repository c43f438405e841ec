#include "daemon/os/inotify.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "common/base/file.h"

namespace kiln::os {

namespace {
constexpr size_t kBufferSize = size_t{64} << 10;
}  // namespace

Inotify::Inotify(UniqueFd fd)
    : fd_(std::move(fd)), buffer_(std::make_unique<char[]>(kBufferSize)) {}

Result<Inotify> Inotify::create() {
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (fd.valid()) return Inotify(std::move(fd));
  if (errno == EMFILE) {
    return environment_error(ErrorCode::kResourceExhausted,
                             "cannot watch files: this user's inotify instances are used up; raise "
                             "the limit with 'sysctl fs.inotify.max_user_instances=1024'");
  }
  return os_error(errno, "watch files");
}

int Inotify::add(const std::string& path, uint32_t mask) {
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), mask);
  return watch < 0 ? -errno : watch;
}

void Inotify::remove(int watch) { (void)::inotify_rm_watch(fd_.get(), watch); }

Result<size_t> Inotify::queued() const {
  int bytes = 0;
  if (::ioctl(fd_.get(), FIONREAD, &bytes) != 0) return os_error(errno, "read inotify events");
  return static_cast<size_t>(bytes);
}

Result<size_t> Inotify::read(std::vector<InotifyEvent>& events) {
  events.clear();
  const ssize_t n = ::read(fd_.get(), buffer_.get(), kBufferSize);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return size_t{0};
  if (n < 0) return os_error(errno, "read inotify events");
  const auto size = static_cast<size_t>(n);
  for (size_t at = 0; at < size;) {
    inotify_event raw;
    std::memcpy(&raw, buffer_.get() + at, sizeof raw);
    // The name is padded with NULs to `len`.
    const char* name = buffer_.get() + at + sizeof raw;
    events.push_back({raw.wd, raw.mask, raw.cookie, {name, ::strnlen(name, raw.len)}});
    at += sizeof raw + raw.len;
  }
  return size;
}

}  // namespace kiln::os
