#include "common/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace kiln {

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return os_error(errno, "open " + path);
  return UniqueFd(fd);
}

Result<size_t> read_some(int fd, std::span<char> buffer, std::string_view name) {
  ssize_t n;
  do {
    n = ::read(fd, buffer.data(), buffer.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return os_error(errno, "read " + std::string(name));
  return static_cast<size_t>(n);
}

Result<std::string> read_all(int fd, std::string_view name) {
  std::string bytes;
  struct stat st;
  if (::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
    bytes.reserve(static_cast<size_t>(st.st_size) + 1);
  }
  constexpr size_t kChunk = size_t{64} << 10;
  for (;;) {
    const size_t old_size = bytes.size();
    const size_t room = bytes.capacity() > old_size ? bytes.capacity() - old_size : kChunk;
    bytes.resize(old_size + room);
    auto n = read_some(fd, std::span(bytes.data() + old_size, room), name);
    if (!n.ok()) return n.error();
    bytes.resize(old_size + *n);
    if (*n == 0) return bytes;
  }
}

Result<std::string> read_file(const std::string& path) {
  KILN_ASSIGN(UniqueFd fd, open_file(path, O_RDONLY));
  return read_all(fd.get(), path);
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return os_error(errno, "write " + std::string(name));
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno == EEXIST) {
    struct stat st;
    if (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
    return os_error(ENOTDIR, "make directory " + path);
  }
  if (errno != ENOENT) return os_error(errno, "make directory " + path);
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return os_error(ENOENT, "make directory " + path);
  KILN_TRY(make_directories(path.substr(0, slash), mode));
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return os_error(errno, "make directory " + path);
}

}  // namespace kiln
