#include "daemon/os/process_tag.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <memory>
#include <string_view>
#include <vector>

#include "common/base/file.h"
#include "common/base/unique_fd.h"

namespace kiln::os {
namespace {

struct Pattern {
  ProcessTag mask;
  ProcessTag value;
};

bool carries(pid_t pid, const Pattern& pattern) {
  const ProcessTag tag = tag_of(pid);
  return tag != 0 && (tag & pattern.mask) == pattern.value;
}

// Calls `visit(pid)` for every process there is.
template <class Visit>
void each_process(Visit&& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (proc == nullptr) return;
  while (const dirent* entry = ::readdir(proc.get())) {
    const std::string_view name(entry->d_name);
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) visit(pid);
  }
}

// The pid that was handed out last: the last field of /proc/loadavg, see proc(5). Nothing where
// that file is an imitation (lxcfs).
std::optional<pid_t> newest_pid() {
  const auto fd = open_file("/proc/loadavg", O_RDONLY);
  if (!fd.ok()) return std::nullopt;
  struct statfs fs;
  if (::fstatfs(fd->get(), &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC) return std::nullopt;
  std::array<char, 128> buffer;
  const auto size = read_some(fd->get(), buffer, "/proc/loadavg");
  if (!size.ok()) return std::nullopt;
  std::string_view text(buffer.data(), *size);
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  text.remove_prefix(text.rfind(' ') + 1);
  pid_t pid = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (parsed.ec != std::errc()) return std::nullopt;
  return pid;
}

// One round of killing after another, until one finds nothing.
class Hunt {
 public:
  // `leader` is a child of this process that somebody else reaps; 0: none.
  Hunt(Pattern pattern, pid_t leader, std::chrono::steady_clock::time_point deadline)
      : pattern_(pattern), leader_(leader), deadline_(deadline) {}

  // Whether `pid` is settled: not one of those hunted, or dead and nothing more to do.
  bool settle(pid_t pid) {
    if (!carries(pid, pattern_) || pid == ::getpid() || pid == leader_) return true;
    // A thread has no pidfd: its process is met under its own pid.
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) return true;
    if (!carries(pid, pattern_)) return true;  // the pid had passed to another process
    if (has_ended(pidfd, 0)) {
      // If it is not ours to reap, its parent is still to be met: killing that one makes this one
      // our child, and the next round reaps it.
      reap_orphan(pid);
      return true;
    }
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0) ++killed_.count;
    constexpr int kPatienceMs = 100;  // a kill takes microseconds; then look again
    if (has_ended(pidfd, kPatienceMs)) reap_orphan(pid);
    return false;
  }

  // Whoever forked and died ahead of the search is found by the next round.
  void through_all() {
    for (bool settled = false; !settled;) {
      if (late()) return;
      settled = true;
      each_process([&](pid_t pid) { settled = settle(pid) && settled; });
    }
  }

  // False: cannot tell; read all of /proc. Linux hands out pids in cyclic order, so descendants lie
  // between `first` and the newest pid, unless the numbers wrapped.
  bool through_pids_since(pid_t first) {
    constexpr pid_t kTooMany = 2000;
    pid_t searched = first;
    for (;;) {
      if (late()) return true;
      const std::optional<pid_t> newest = newest_pid();
      if (!newest || *newest < searched || *newest - first > kTooMany) return false;
      // What was forked during a round has a pid beyond it, so a round that finds nothing, with no
      // pid handed out meanwhile, is the last.
      if (*newest == searched) return true;
      bool settled = true;
      for (pid_t pid = searched + 1; pid <= *newest; ++pid) settled = settle(pid) && settled;
      searched = settled ? *newest : first;
    }
  }

  Killed killed() const { return killed_; }

 private:
  // Somebody cannot be killed now, or forks faster than it is killed.
  bool late() {
    if (std::chrono::steady_clock::now() < deadline_) return false;
    killed_.complete = false;
    return true;
  }

  static bool has_ended(const UniqueFd& pidfd, int patience_ms) {
    pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, patience_ms) == 1;
  }

  static void reap_orphan(pid_t pid) {
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
  }

  const Pattern pattern_;
  const pid_t leader_;
  const std::chrono::steady_clock::time_point deadline_;
  Killed killed_;
};

}  // namespace

Result<void> become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return os_error(errno, "become the reaper of orphaned processes");
  }
  return {};
}

Killed kill_tagged(ProcessTag tag, std::optional<Birth> birth,
                   std::chrono::steady_clock::time_point deadline) {
  if (tag == 0) return {};
  // Within this time no machine hands out all its pids (32768 at the least), so they cannot have
  // come round unseen.
  constexpr auto kYoung = std::chrono::milliseconds(20);
  Hunt hunt(Pattern{.mask = ~ProcessTag{0}, .value = tag}, birth ? birth->pid : 0, deadline);
  const bool young = birth && std::chrono::steady_clock::now() - birth->time < kYoung;
  if (!young || !hunt.through_pids_since(birth->pid)) hunt.through_all();
  return hunt.killed();
}

Killed kill_tagged_matching(ProcessTag mask, ProcessTag value,
                            std::chrono::steady_clock::time_point deadline) {
  Hunt hunt(Pattern{.mask = mask, .value = value}, 0, deadline);
  hunt.through_all();
  return hunt.killed();
}

ProcessTag tag_of(pid_t pid) {
  rlimit limit;
  if (::prlimit(pid, RLIMIT_LOCKS, nullptr, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? 0 : limit.rlim_cur;
}

void signal_tagged(ProcessTag tag, pid_t leader, int signal) {
  const auto is_meant = [&](pid_t pid) {
    return pid == leader || (tag != 0 && tag_of(pid) == tag) || ::getpgid(pid) == leader;
  };
  each_process([&](pid_t pid) {
    if (!is_meant(pid)) return;
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    // Once more: the pid may have passed to another process.
    if (pidfd.valid() && is_meant(pid)) {
      ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
    }
  });
}

}  // namespace kiln::os
