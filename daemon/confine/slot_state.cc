#include "daemon/confine/slot_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>

#include "common/base/file.h"
#include "daemon/confine/slot_root.h"
#include "daemon/os/directory.h"

namespace kiln::confine {
namespace {

// An entry as getdents64(2) writes it.
struct RawEntry {
  uint64_t inode;
  int64_t next;  // where the entry after this one stands
  uint16_t size;
  uint8_t type;
  char name[1];
};

// Calls `visit(name, position)` for the entries of `proc_fd` from `position` on.
template <class Visit>
Result<void> each_entry(int proc_fd, int64_t position, Visit&& visit) {
  if (::lseek(proc_fd, position, SEEK_SET) < 0) return os_error(errno, "read a sandbox's /proc");
  alignas(RawEntry) std::array<char, 4096> buffer;
  for (;;) {
    const long size = ::syscall(SYS_getdents64, proc_fd, buffer.data(), buffer.size());
    if (size < 0) return os_error(errno, "read a sandbox's /proc");
    if (size == 0) return {};
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const RawEntry*>(buffer.data() + at);
      const char* name = buffer.data() + at + offsetof(RawEntry, name);
      visit(std::string_view(name), position);
      position = entry->next;
      at += entry->size;
    }
  }
}

bool is_pid(std::string_view name) { return name.front() >= '1' && name.front() <= '9'; }

// A process may have put attributes, default ACLs or flags on a directory, which what the next one
// makes there would inherit.
bool is_pristine(int fd) {
  unsigned flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags != 0) return false;
  std::array<char, 1024> names;
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  for (ssize_t at = 0; at < size;) {
    const std::string_view name(names.data() + at);
    if (!name.starts_with("security.")) return false;  // labels of the machine's policy
    at += static_cast<ssize_t>(name.size()) + 1;
  }
  return size >= 0 || errno == ENOTSUP;
}

bool empty_directory(int fd, mode_t mode) {
  if (::fchmod(fd, mode) != 0) return false;
  const auto entries = os::list_directory(fd);
  if (!entries.ok()) return false;
  for (const os::DirEntry& entry : *entries) {
    if (!os::remove_tree(fd, entry.name.c_str()).ok()) return false;
  }
  return is_pristine(fd);
}

Result<UniqueFd> open_directory(int root_fd, const std::string& path) {
  UniqueFd fd(::openat(root_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return os_error(errno, "open the directory " + path + " of a sandbox");
  return fd;
}

// The number after `key` in a line of /proc/net/sockstat; 0 if there is none.
long number_after(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  return at == line.npos ? 0 : std::atol(line.data() + at + key.size());
}

}  // namespace

HostState host_state(const View& view) {
  HostState state;
  const auto add = [&](const char* path) {
    struct stat st {};
    if (::stat(path, &st) != 0) st = {};
    state.push_back(st.st_ino);
    state.push_back(static_cast<uint64_t>(st.st_mtim.tv_sec) * 1'000'000'000 +
                    static_cast<uint64_t>(st.st_mtim.tv_nsec));
  };
  // A file that is replaced changes the time of /etc; these may be written in place.
  for (const char* path : {"/etc", "/etc/resolv.conf", "/etc/hosts", "/etc/localtime"}) add(path);
  // The content of lent directories is live, but not their identity.
  for (const std::string& path : view.host_paths) {
    struct stat st {};
    state.push_back(::stat(path.c_str(), &st) == 0 ? st.st_ino : 0);
  }
  for (const LentCache& cache : view.caches) {
    struct stat st {};
    state.push_back(::stat(cache.directory.c_str(), &st) == 0 ? st.st_ino : 0);
  }
  return state;
}

Result<SlotState> SlotState::open(NewSlot slot, View view, HostState made_in, int holder_root_fd) {
  SlotState state;
  state.slot_ = std::move(slot);
  state.view_ = std::move(view);
  state.made_in_ = std::move(made_in);
  const std::string directory = state.name() + "/";
  KILN_ASSIGN(state.sandbox_, open_directory(holder_root_fd, directory + kSandboxDirectory));
  KILN_ASSIGN(state.tmp_, open_directory(holder_root_fd, directory + kTmpDirectory));
  KILN_ASSIGN(state.shm_, open_directory(holder_root_fd, directory + kShmDirectory));
  const std::string init = "/proc/" + std::to_string(state.slot_.init);
  KILN_ASSIGN(state.proc_, open_file(init + "/root/proc", O_RDONLY | O_DIRECTORY));
  KILN_TRY(each_entry(state.proc_.get(), 0, [&](std::string_view name, int64_t position) {
    if (name == "1") state.first_pid_ = position;
  }));
  if (state.view_.network == Network::kLoopback) {
    KILN_ASSIGN(state.socket_counts_, open_file(init + "/net/sockstat", O_RDONLY));
  }
  return state;
}

Result<size_t> SlotState::count_processes() {
  if (ended_) return size_t{0};
  size_t count = 0;
  KILN_TRY(each_entry(proc_.get(), first_pid_, [&](std::string_view name, int64_t) {
    if (is_pid(name) && name != "1") ++count;
  }));
  return count;
}

bool SlotState::has_connections() const {
  if (!socket_counts_.valid()) return false;
  std::array<char, 1024> buffer{};
  const ssize_t size = ::pread(socket_counts_.get(), buffer.data(), buffer.size() - 1, 0);
  if (size <= 0) return true;  // not known
  const std::string_view text(buffer.data(), static_cast<size_t>(size));
  const size_t tcp = text.find("TCP:");
  if (tcp == text.npos) return true;
  const std::string_view line = text.substr(tcp, text.find('\n', tcp) - tcp);
  return number_after(line, "inuse ") + number_after(line, "orphan ") + number_after(line, "tw ") !=
         0;
}

Result<void> SlotState::kill() {
  killed_ = true;
  const int pidfd = slot_.init_pidfd.get();
  if (::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) != 0 && errno != ESRCH) {
    return os_error(errno, "kill the processes of a sandbox");
  }
  return {};
}

Result<bool> SlotState::end(Deadline deadline) {
  if (ended_) return true;
  KILN_TRY(kill());
  // The first process of a pid namespace ends after all others.
  const int pidfd = slot_.init_pidfd.get();
  pollfd dead{.fd = pidfd, .events = POLLIN, .revents = 0};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int polled =
        ::poll(&dead, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000)));
    if (polled > 0) break;
    if (polled < 0 && errno != EINTR) {
      return os_error(errno, "wait for the end of a sandbox's processes");
    }
    if (left.count() <= 0) return false;
  }
  // The holder reaps it. Where the holder is dead, the daemon, a subreaper, has inherited it.
  siginfo_t ignored;
  ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &ignored, WEXITED | WNOHANG);
  ended_ = true;
  return true;
}

bool SlotState::empty() {
  if (killed_) return false;
  if (!empty_directory(sandbox_.get(), 0700) || !empty_directory(tmp_.get(), 01777) ||
      !empty_directory(shm_.get(), 01777)) {
    return false;
  }
  // Emptying /tmp has removed the place where such a path was shown.
  for (const std::string_view path : view_.host_paths) {
    if (path.starts_with("/tmp/") || path.starts_with("/dev/shm/")) return false;
  }
  return true;
}

}  // namespace kiln::confine
