#include "daemon/store/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "common/base/file.h"
#include "daemon/store/stores.h"

namespace kiln::store {

namespace {

// Makes the file, lets `fill(fd)` write it, and removes it again if anything failed.
template <class Fill>
Result<void> make_file(int dir_fd, const char* name, unsigned mode, Fill fill) {
  const UniqueFd fd(
      ::openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return os_error(errno, std::string("make the file ") + name);
  Result<void> done = fill(fd.get());
  if (done.ok()) done = seal_file(fd.get(), mode, name);
  if (!done.ok()) ::unlinkat(dir_fd, name, 0);
  return done;
}

}  // namespace

Result<void> copy_content(int source, int target, const char* name) {
  // In the kernel where both file systems let it; from wherever that stopped by hand.
  constexpr size_t kAll = size_t{1} << 30;
  loff_t offset = 0;
  for (;;) {
    const ssize_t n = ::copy_file_range(source, &offset, target, nullptr, kAll, 0);
    if (n == 0) return {};
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO)) {
      return os_error(errno, std::string("write ") + name);
    }
    if (n < 0) break;
  }
  std::array<char, size_t{64} << 10> buffer;
  for (;;) {
    const ssize_t n = ::pread(source, buffer.data(), buffer.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, std::string("read the stored content of ") + name);
    if (n == 0) return {};
    KILN_TRY(write_all(target, {buffer.data(), static_cast<size_t>(n)}, name));
    offset += n;
  }
}

Result<void> seal_file(int fd, unsigned mode, const char* name) {
  if (::fchmod(fd, mode) != 0) return os_error(errno, std::string("set the mode of ") + name);
  const struct timespec times[2] = {{.tv_sec = kFileTime, .tv_nsec = 0},
                                    {.tv_sec = kFileTime, .tv_nsec = 0}};
  if (::futimens(fd, times) != 0) return os_error(errno, std::string("set the time of ") + name);
  return {};
}

Result<UniqueFd> open_to_adopt(int dir_fd, const char* name) {
  // O_NONBLOCK: a fifo must not hold us up.
  UniqueFd fd(::openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return os_error(errno, std::string("open ") + name);
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return os_error(errno, std::string("examine ") + name);
  if (!S_ISREG(st.st_mode)) {
    return environment_error(ErrorCode::kFailedPrecondition,
                             std::string("cannot store ") + name + ": it is not a regular file");
  }
  return fd;
}

Result<void> write_new_file(int dir_fd, const char* name, unsigned mode, std::string_view content) {
  return make_file(dir_fd, name, mode, [&](int fd) { return write_all(fd, content, name); });
}

Result<void> copy_new_file(int dir_fd, const char* name, unsigned mode, int source) {
  return make_file(dir_fd, name, mode, [&](int fd) { return copy_content(source, fd, name); });
}

}  // namespace kiln::store
