#include "client/daemon_finder.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

#include "common/base/file.h"
#include "common/ipc/life_lock.h"

namespace kiln {

namespace {

using Clock = std::chrono::steady_clock;
using Found = std::optional<DaemonConnection>;

// A daemon that lost its socket makes it again, and looks for that every second.
constexpr auto kSocketPatience = std::chrono::seconds(8);
// A daemon whose queue of connections is full has this long to take some.
constexpr auto kConnectPatience = std::chrono::seconds(10);
constexpr int kPauseMilliseconds = 50;

// False if the interrupt ended the pause.
bool pause_for(int milliseconds, Interrupt& interrupt) {
  pollfd fd = {interrupt.fd(), POLLIN, 0};
  return ::poll(&fd, 1, milliseconds) <= 0 || !interrupt.take();
}

Result<Found> admit(UniqueFd socket, const std::string& path) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return os_error(errno, "ask who listens at " + path);
  }
  if (peer.uid != ::geteuid()) {
    return user_error(ErrorCode::kPermissionDenied,
                      "the daemon at " + path + " belongs to user " + std::to_string(peer.uid) +
                          "; set KILN_RUNTIME_DIR to a directory of your own");
  }
  return Found(DaemonConnection{std::move(socket), peer.pid});
}

// Connects to whoever listens at `path`; nothing if nobody does.
Result<Found> connect_to(const std::string& path, Interrupt& interrupt) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Found();
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  // A connection to a full queue would block, deaf to the interrupt.
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return os_error(errno, "make a socket");
  const auto give_up = Clock::now() + kConnectPatience;
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
         0) {
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) return Found();
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return os_error(errno, "connect to the daemon at " + path);
    if (Clock::now() >= give_up) {
      return environment_error(ErrorCode::kUnavailable,
                               "the daemon at " + path +
                                   " takes no connections: it does not "
                                   "answer the many clients that wait already");
    }
    if (!pause_for(kPauseMilliseconds, interrupt)) return interrupted_error();
  }
  return admit(std::move(socket), path);
}

ino_t namespace_of(const std::string& process) {
  struct stat st;
  return ::stat(("/proc/" + process + "/ns/mnt").c_str(), &st) == 0 ? st.st_ino : 0;
}

// A socket that another mount namespace shows at its path, and ours does not.
Result<Found> connect_into(const LifeLockHolder& holder, Interrupt& interrupt) {
  const std::string pid = std::to_string(holder.pid);
  if (namespace_of(pid) == namespace_of("self")) return Found();
  return connect_to("/proc/" + pid + "/root" + holder.socket, interrupt);
}

Error far_away(const DaemonPaths& paths, const LifeLockHolder& holder) {
  const std::string where = holder.is_of_this_boot() ? "in another container (PID namespace)"
                                                     : "on another machine, or in another boot";
  return environment_error(
      ErrorCode::kUnavailable,
      "the daemon of " + paths.home + " runs " + where + ", and its socket " + holder.socket +
          " cannot be reached from here\n  one daemon serves a home at a time: set KILN_HOME to a "
          "directory of this container's own, or stop the other daemon where it runs (kiln daemon "
          "stop)");
}

Error hidden(const DaemonPaths& paths, const LifeLockHolder& holder) {
  const std::string pid = std::to_string(holder.pid);
  const bool elsewhere = namespace_of(pid) != namespace_of("self");
  const std::string what = "the daemon of " + paths.home + ", process " + pid;
  if (elsewhere) {
    return environment_error(
        ErrorCode::kUnavailable,
        what + ", runs in another mount namespace, and its socket " + holder.socket +
            " cannot be seen from here (a private /tmp, a container)\n  set KILN_RUNTIME_DIR to a "
            "directory that both see, or KILN_HOME to one of this namespace's own");
  }
  return environment_error(ErrorCode::kUnavailable,
                           what + ", has lost its socket " + holder.socket +
                               " and did not make it again\n  kiln daemon stop --force ends it; "
                               "the next command starts another");
}

// Waits until the daemon can be reached, or has gone.
Result<Found> await_socket(const DaemonPaths& paths, LifeLockHolder holder, Interrupt& interrupt) {
  const auto give_up = Clock::now() + kSocketPatience;
  while (Clock::now() < give_up) {
    KILN_ASSIGN(const bool ended, wait_for_end(holder.pid, paths, interrupt, kPauseMilliseconds));
    if (ended) return Found();
    KILN_ASSIGN(auto here, connect_to(paths.socket, interrupt));
    if (here) return here;
    KILN_ASSIGN(const auto now, life_lock_holder(paths.life_lock));
    if (!now) return Found();
    holder = *now;
    KILN_ASSIGN(auto there, connect_to(holder.socket, interrupt));
    if (there) return there;
  }
  return hidden(paths, holder);
}

}  // namespace

Result<Found> find_daemon(const DaemonPaths& paths, Interrupt& interrupt) {
  KILN_ASSIGN(auto here, connect_to(paths.socket, interrupt));
  if (here) return here;
  KILN_ASSIGN(const auto holder, life_lock_holder(paths.life_lock));
  if (!holder) return here;
  KILN_ASSIGN(auto there, connect_to(holder->socket, interrupt));
  if (there) return there;
  // Its process number means nothing here.
  if (!holder->is_near()) return far_away(paths, *holder);
  KILN_ASSIGN(auto inside, connect_into(*holder, interrupt));
  if (inside) return inside;
  return await_socket(paths, *holder, interrupt);
}

Result<Found> find_daemon_to_stop(const DaemonPaths& paths, bool force, Interrupt& interrupt) {
  auto found = find_daemon(paths, interrupt);
  if (found.ok() || !force || found.error().code() != ErrorCode::kUnavailable) return found;
  KILN_ASSIGN(const auto holder, life_lock_holder(paths.life_lock));
  if (!holder) return Found();
  if (!holder->is_near()) return found;
  KILN_TRY(kill_daemon(holder->pid));
  KILN_TRY(wait_for_end(holder->pid, paths, interrupt, -1));
  return Found();
}

Result<bool> wait_for_end(pid_t pid, const DaemonPaths& paths, Interrupt& interrupt,
                          int patience_milliseconds) {
  const bool endless = patience_milliseconds < 0;
  const auto give_up = Clock::now() + std::chrono::milliseconds(patience_milliseconds);
  const UniqueFd process(pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1);
  if (pid > 0 && !process.valid()) {
    if (errno == ESRCH) return true;
    return os_error(errno, "watch process " + std::to_string(pid));
  }
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up - Clock::now()).count();
    int wait = endless ? -1 : static_cast<int>(std::max<int64_t>(0, left));
    if (!process.valid()) {
      KILN_ASSIGN(const bool held, life_lock_held(paths.life_lock));
      if (!held) return true;
      wait = endless ? kPauseMilliseconds : std::min(wait, kPauseMilliseconds);
    }
    std::array<pollfd, 2> fds = {pollfd{process.get(), POLLIN, 0},
                                 pollfd{interrupt.fd(), POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), wait);
    if (ready < 0 && errno != EINTR) return os_error(errno, "wait for the daemon's end");
    if (ready > 0 && fds[0].revents != 0) return true;
    if (ready > 0 && fds[1].revents != 0 && interrupt.take()) return interrupted_error();
    if (ready == 0 && !endless && Clock::now() >= give_up) return false;
  }
}

Result<void> kill_daemon(pid_t pid) {
  if (pid <= 0) return {};
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid() ||
      ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) != 0) {
    if (errno == ESRCH) return {};
    return os_error(errno, "end process " + std::to_string(pid));
  }
  return {};
}

bool runs_below(pid_t pid) {
  // The chain of parents ends at process 1, or where a parent cannot be seen.
  for (pid_t process = ::getppid(); pid > 0 && process > 1;) {
    if (process == pid) return true;
    const auto stat = read_file("/proc/" + std::to_string(process) + "/stat");
    // "12 (name) S 11": the parent's number comes behind the state.
    const size_t name_end = stat.ok() ? stat->rfind(") ") : std::string::npos;
    if (name_end == std::string::npos || name_end + 4 >= stat->size()) return false;
    process = 0;
    std::from_chars(stat->data() + name_end + 4, stat->data() + stat->size(), process);
  }
  return false;
}

std::string daemon_name(pid_t pid) {
  return pid > 0 ? "process " + std::to_string(pid) : "in another PID namespace";
}

std::string process_state(pid_t pid) {
  if (pid <= 0) return "";
  const std::string number = std::to_string(pid);
  const auto stat = read_file("/proc/" + number + "/stat");
  if (!stat.ok()) return "";
  // The state follows the name, which is in parentheses and may hold any byte.
  const size_t name_end = stat->rfind(") ");
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return "";
  switch ((*stat)[name_end + 2]) {
    case 'T':
      return "it is stopped; `kill -CONT " + number + "` lets it go on";
    case 't':
      return "a debugger holds it";
    case 'D':
      return "it waits for a disk or is frozen";
    default:
      return "";
  }
}

}  // namespace kiln
