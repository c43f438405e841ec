#include "common/ipc/life_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "common/base/file.h"
#include "common/ipc/paths.h"

namespace kiln {

Result<std::optional<LifeLock>> LifeLock::try_take(const std::string& path) {
  KILN_ASSIGN(auto file, lock_file(path, false));
  if (!file) return std::optional<LifeLock>();
  LifeLock lock(*std::move(file), path);
  lock.retract();  // what the last holder said
  return std::optional(std::move(lock));
}

Result<void> LifeLock::announce(const std::string& socket) {
  retract();
  if (::lseek(file_.get(), 0, SEEK_SET) < 0) return os_error(errno, "write " + path_);
  return write_all(file_.get(), std::to_string(::getpid()) + " " + socket + "\n", path_);
}

void LifeLock::retract() { (void)::ftruncate(file_.get(), 0); }

Result<std::optional<LifeLockHolder>> life_lock_holder(const std::string& path) {
  const std::optional<LifeLockHolder> nobody;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return nobody;
    return os_error(errno, "open " + path);
  }
  struct stat st;
  if (::fstat(file.get(), &st) != 0 || st.st_uid != ::geteuid()) return nobody;
  if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) return nobody;
  if (errno != EWOULDBLOCK) return os_error(errno, "lock " + path);
  KILN_ASSIGN(const std::string text, read_all(file.get(), path));
  LifeLockHolder holder;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, holder.pid);
  // A line that is not whole yet is of a holder that is about to serve.
  if (error != std::errc() || after == end || *after != ' ' || !text.ends_with('\n')) return nobody;
  holder.socket.assign(after + 1, end - 1);
  return std::optional(std::move(holder));
}

}  // namespace kiln
