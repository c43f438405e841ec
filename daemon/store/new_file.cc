#include "daemon/store/new_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "common/base/file.h"

namespace kiln::store {

namespace {

// Between two looks at the stop token.
constexpr int64_t kStep = int64_t{64} << 20;
constexpr size_t kBlock = 4096;

Error write_error(int error, const char* name) {
  return os_error(error, std::string("write ") + name);
}

// One range by copy_file_range(2) where both file systems allow that; from wherever it stopped, by
// reading and writing. A source that ends early is complete.
class RangeCopier {
 public:
  RangeCopier(int source, int target, const char* name, const std::stop_token& stop)
      : source_(source), target_(target), name_(name), stop_(stop) {}

  Result<void> copy(int64_t begin, int64_t end) {
    while (begin < end) {
      if (stop_.stop_requested()) return stopped();
      KILN_ASSIGN(const int64_t n, step(begin, std::min(end - begin, kStep)));
      if (n == 0) return {};
      begin += n;
    }
    return {};
  }

 private:
  Result<int64_t> step(int64_t at, int64_t length) {
    if (in_kernel_) {
      loff_t from = at;
      loff_t to = at;
      const ssize_t n =
          ::copy_file_range(source_, &from, target_, &to, static_cast<size_t>(length), 0);
      if (n >= 0) return int64_t{n};
      if (errno == EINTR) return step(at, length);
      if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO) {
        return write_error(errno, name_);
      }
      in_kernel_ = false;
    }
    return by_hand(at, length);
  }

  Result<int64_t> by_hand(int64_t at, int64_t length) {
    std::array<char, size_t{64} << 10> buffer;
    const auto wanted = std::min(static_cast<size_t>(length), buffer.size());
    ssize_t n;
    do {
      n = ::pread(source_, buffer.data(), wanted, at);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return os_error(errno, std::string("read the content of ") + name_);
    if (n == 0) return int64_t{0};
    if (::lseek(target_, at, SEEK_SET) < 0) return write_error(errno, name_);
    KILN_TRY(write_all(target_, {buffer.data(), static_cast<size_t>(n)}, name_));
    return int64_t{n};
  }

  const int source_;
  const int target_;
  const char* const name_;
  const std::stop_token& stop_;
  bool in_kernel_ = true;
};

bool is_zero(std::string_view bytes) {
  return bytes.front() == '\0' &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace

Error stopped() {
  return user_error(ErrorCode::kCancelled, "the request was cancelled: nobody waits for it");
}

Result<void> copy_content(int source, int target, const char* name, const std::stop_token& stop) {
  if (::ioctl(target, FICLONE, source) == 0) return {};
  struct stat st;
  if (::fstat(source, &st) != 0) return os_error(errno, std::string("examine ") + name);
  const int64_t size = st.st_size;
  RangeCopier copier(source, target, name, stop);
  for (int64_t at = 0; at < size;) {
    const off_t data = ::lseek(source, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    // Where a file system cannot tell holes, all is data.
    const off_t hole = data < 0 ? -1 : ::lseek(source, data, SEEK_HOLE);
    const int64_t end = hole < 0 ? size : hole;
    KILN_TRY(copier.copy(data < 0 ? at : data, end));
    at = end;
  }
  return finish_sparse(target, size, name);
}

Result<void> append_sparse(int fd, std::string_view bytes, std::string_view name) {
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  if (at < 0) return os_error(errno, "write " + std::string(name));
  // Up to the end of the block that earlier bytes began, then block by block. Of a block that is
  // all zero every piece is, so that it stays a hole whatever pieces it comes in.
  size_t piece = kBlock - static_cast<size_t>(at) % kBlock;
  while (!bytes.empty()) {
    const bool hole = is_zero(bytes.substr(0, piece));
    size_t length = std::min(piece, bytes.size());
    while (length < bytes.size() && is_zero(bytes.substr(length, kBlock)) == hole) {
      length += std::min(kBlock, bytes.size() - length);
    }
    if (!hole) {
      KILN_TRY(write_all(fd, bytes.substr(0, length), name));
    } else if (::lseek(fd, static_cast<off_t>(length), SEEK_CUR) < 0) {
      return os_error(errno, "write " + std::string(name));
    }
    bytes.remove_prefix(length);
    piece = kBlock;
  }
  return {};
}

Result<void> finish_sparse(int fd, int64_t size, std::string_view name) {
  struct stat st;
  if (::fstat(fd, &st) == 0 && st.st_size == size) return {};
  if (::ftruncate(fd, size) == 0) return {};
  return os_error(errno, "write " + std::string(name));
}

Result<void> make_new_file(int dir_fd, const char* name, unsigned mode, int64_t mtime,
                           const std::function<Result<void>(int fd)>& fill) {
  const UniqueFd fd(
      ::openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return os_error(errno, std::string("make the file ") + name);
  Result<void> done = fill(fd.get());
  if (done.ok()) done = seal_file(fd.get(), mode, mtime, name);
  if (!done.ok()) ::unlinkat(dir_fd, name, 0);
  return done;
}

Result<void> seal_file(int fd, unsigned mode, int64_t mtime, const char* name) {
  if (::fchmod(fd, mode) != 0) return os_error(errno, std::string("set the mode of ") + name);
  const struct timespec times[2] = {{.tv_sec = mtime, .tv_nsec = 0},
                                    {.tv_sec = mtime, .tv_nsec = 0}};
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

}  // namespace kiln::store
