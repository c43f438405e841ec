#include "common/ipc/life_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "common/base/file.h"
#include "common/ipc/paths.h"

namespace kiln {

namespace {

uint64_t own_pid_namespace() {
  struct stat st;
  return ::stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

std::string own_boot() {
  const auto text = read_file("/proc/sys/kernel/random/boot_id");
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

// Takes the part behind the last tab away from `line`; empty if there is none.
std::string take_last_field(std::string& line) {
  const size_t tab = line.rfind('\t');
  if (tab == std::string::npos) return "";
  std::string field = line.substr(tab + 1);
  line.resize(tab);
  return field;
}

// The file, open, if somebody else holds its lock.
Result<UniqueFd> open_if_held(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return UniqueFd();
    return os_error(errno, "open " + path);
  }
  struct stat st;
  if (::fstat(file.get(), &st) != 0 || st.st_uid != ::geteuid()) return UniqueFd();
  if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) return UniqueFd();
  if (errno != EWOULDBLOCK) return os_error(errno, "lock " + path);
  return file;
}

}  // namespace

bool LifeLockHolder::is_of_this_boot() const { return boot.empty() || boot == own_boot(); }

bool LifeLockHolder::is_near() const {
  return is_of_this_boot() && (pid_namespace == 0 || pid_namespace == own_pid_namespace());
}

Result<bool> life_lock_held(const std::string& path) {
  KILN_ASSIGN(const UniqueFd file, open_if_held(path));
  return file.valid();
}

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
  const std::string line = std::to_string(::getpid()) + " " + socket + "\t" +
                           std::to_string(own_pid_namespace()) + "\t" + own_boot() + "\n";
  return write_all(file_.get(), line, path_);
}

void LifeLock::retract() { (void)::ftruncate(file_.get(), 0); }

Result<std::optional<LifeLockHolder>> life_lock_holder(const std::string& path) {
  const std::optional<LifeLockHolder> nobody;
  KILN_ASSIGN(const UniqueFd file, open_if_held(path));
  if (!file.valid()) return nobody;
  KILN_ASSIGN(std::string text, read_all(file.get(), path));
  LifeLockHolder holder;
  // A line that is not whole yet is of a holder that is about to serve.
  if (!text.ends_with('\n')) return nobody;
  text.pop_back();
  if (std::count(text.begin(), text.end(), '\t') >= 2) {
    holder.boot = take_last_field(text);
    const std::string number = take_last_field(text);
    std::from_chars(number.data(), number.data() + number.size(), holder.pid_namespace);
  }
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, holder.pid);
  if (error != std::errc() || after == end || *after != ' ') return nobody;
  holder.socket.assign(after + 1, end);
  return std::optional(std::move(holder));
}

}  // namespace kiln
