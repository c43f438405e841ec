#include "daemon/os/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <thread>

#include "common/base/check.h"
#include "common/base/file.h"
#include "common/types/rel_path.h"

// glibc's clone(2) under its other name, which ThreadSanitizer does not take for a fork.
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);

namespace kiln::os {
namespace {

// What parent and child share while the parent is suspended.
struct Start {
  const char* executable;
  char* const* argv;
  char* const* env;
  int working_directory_fd;
  int stdout_fd;
  int stderr_fd;
  const rlimit* tag;  // null: none
  const ResourceLimit* limits;
  size_t limit_count;
  pid_t parent;
  // The answer: what failed and why; null if exec succeeded.
  const char* failed = nullptr;
  int error = 0;
};

constexpr const char* kExec = "execute";

// Everything from here to exec runs in the child, on the parent's memory: no allocation, no lock,
// no libc state. Raw system calls, so that a sanitizer's interceptors do not take the child's
// descriptors for the parent's.
#define KILN_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

template <class... Args>
KILN_IN_CHILD inline long sys(long number, Args... args) {
  return ::syscall(number, args...);
}

KILN_IN_CHILD int give_up(Start& start, const char* what) {
  start.error = errno;
  start.failed = what;
  return 127;
}

// A descriptor that the dup2()s onto 0, 1 and 2 cannot overwrite before it is used.
KILN_IN_CHILD int above_stdio(int fd, int dev_null) {
  if (fd < 0) fd = dev_null;
  return fd > 2 ? fd : static_cast<int>(sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3));
}

KILN_IN_CHILD bool arrange_stdio(const Start& start) {
  long opened = sys(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  const int dev_null = above_stdio(static_cast<int>(opened), -1);
  const int out = above_stdio(start.stdout_fd, dev_null);
  const int err = above_stdio(start.stderr_fd, dev_null);
  return dev_null >= 0 && out >= 0 && err >= 0 && sys(SYS_dup3, dev_null, 0, 0) >= 0 &&
         sys(SYS_dup3, out, 1, 0) >= 0 && sys(SYS_dup3, err, 2, 0) >= 0;
}

// Ignored signals stay ignored across exec, and handlers must not run in the child: both end here.
KILN_IN_CHILD void reset_signals() {
  struct KernelSigaction {  // as rt_sigaction(2) takes it
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
  };
  KernelSigaction action{SIG_DFL, 0, nullptr, 0};
  for (int signal = 1; signal <= 64; ++signal) {
    sys(SYS_rt_sigaction, signal, &action, nullptr, sizeof action.mask);
  }
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &action.mask, nullptr, sizeof action.mask);
}

// A daemon that was started by hand has a terminal.
KILN_IN_CHILD void leave_terminal() {
  const long terminal = sys(SYS_openat, AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
  if (terminal < 0) return;
  sys(SYS_ioctl, terminal, TIOCNOTTY);
  sys(SYS_close, terminal);
}

KILN_IN_CHILD int child_main(void* argument) {
  Start& start = *static_cast<Start*>(argument);
  // Not a session: its leader could not change its process group, as shells do.
  if (sys(SYS_setpgid, 0, 0) < 0) return give_up(start, "make a process group for");
  leave_terminal();
  if (sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) {
    return give_up(start, "tie to this process");
  }
  if (sys(SYS_getppid) != start.parent) return 127;  // died before the line above; nobody is left
  sys(SYS_umask, 022);
  if (start.tag != nullptr) sys(SYS_prlimit64, 0, RLIMIT_LOCKS, start.tag, nullptr);
  for (size_t i = 0; i < start.limit_count; ++i) {
    sys(SYS_prlimit64, 0, start.limits[i].resource, &start.limits[i].limit, nullptr);
  }
  if (start.working_directory_fd >= 0 && sys(SYS_fchdir, start.working_directory_fd) < 0) {
    return give_up(start, "enter the working directory of");
  }
  if (!arrange_stdio(start)) return give_up(start, "arrange the standard streams of");
  // Before Linux 5.9 this fails, and O_CLOEXEC alone does the work.
  sys(SYS_close_range, 3U, ~0U, 0U);
  reset_signals();
  sys(SYS_execve, start.executable, start.argv, start.env);
  return give_up(start, kExec);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

// One attempt. Fails only if there is no child; a child that could not exec is told by `start`.
Result<Child> clone_child(Start& start) {
  // A page table's worth is plenty: the child calls a few leaf functions.
  constexpr size_t kStack = size_t{32} << 10;
  alignas(64) std::array<std::byte, kStack> stack;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  Birth birth{.pid = -1, .time = std::chrono::steady_clock::now()};
  birth.pid = ::__clone(child_main, stack.data() + stack.size(),
                        CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start, &pidfd);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (birth.pid < 0) return os_error(error, "start a process");
  return Child{.pid = birth.pid, .pidfd = UniqueFd(pidfd), .birth = birth};
}

// The interpreter that the first line of a script names; empty if it names none.
std::string interpreter_of(const SpawnRequest& request) {
  const int directory = request.working_directory_fd < 0 ? AT_FDCWD : request.working_directory_fd;
  const UniqueFd fd(::openat(directory, request.executable.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return {};
  std::array<char, 256> buffer;
  const auto read = read_some(fd.get(), buffer, request.executable);
  if (!read.ok()) return {};
  return interpreter_in({buffer.data(), *read});
}

Error exec_error(const SpawnRequest& request, int error) {
  const std::string name = printable(request.executable);
  if (error == ENOENT || error == ENOTDIR) {
    const int directory =
        request.working_directory_fd < 0 ? AT_FDCWD : request.working_directory_fd;
    if (error == ENOENT && ::faccessat(directory, request.executable.c_str(), F_OK, 0) == 0) {
      return interpreter_error(name, interpreter_of(request));
    }
    return user_error(ErrorCode::kCommandNotFound,
                      "cannot execute " + name + ": it does not exist");
  }
  if (error == ENOEXEC) {
    return user_error(ErrorCode::kCommandNotExecutable,
                      "cannot execute " + name +
                          ": neither a program of this machine nor a script that starts with #!");
  }
  return user_error(ErrorCode::kCommandNotExecutable, os_error(error, "execute " + name).message());
}

}  // namespace

std::string interpreter_in(std::string_view head) {
  if (!head.starts_with("#!")) return {};
  std::string_view line = head.substr(2, head.find('\n') - 2);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  // As the kernel does: only blanks end the name. A carriage return is part of it.
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

Error interpreter_error(const std::string& executable, const std::string& interpreter,
                        std::string_view where) {
  const std::string what = "cannot execute " + executable + ": its interpreter ";
  if (interpreter.empty()) {
    return user_error(
        ErrorCode::kCommandNotFound,
        what + "(the dynamic loader that it names) does not exist" + std::string(where));
  }
  std::string message = what + printable(interpreter) + " does not exist" + std::string(where);
  if (interpreter.ends_with('\r')) {
    message +=
        ": the first line ends with a carriage return (\\r); the script has the line ends of "
        "Windows (CRLF), convert it with: sed -i 's/\\r$//' " +
        executable;
  }
  return user_error(ErrorCode::kCommandNotFound, std::move(message));
}

Result<Child> spawn(const SpawnRequest& request) {
  const std::vector<char*> argv = pointers(request.argv);
  const std::vector<char*> env = pointers(request.env);
  rlimit tag{};
  const bool tagged =
      request.tag != 0 && ::getrlimit(RLIMIT_LOCKS, &tag) == 0 && request.tag <= tag.rlim_max;
  tag.rlim_cur = request.tag;
  Start start{.executable = request.executable.c_str(),
              .argv = argv.data(),
              .env = env.data(),
              .working_directory_fd = request.working_directory_fd,
              .stdout_fd = request.stdout_fd,
              .stderr_fd = request.stderr_fd,
              .tag = tagged ? &tag : nullptr,
              .limits = request.limits != nullptr ? request.limits->data() : nullptr,
              .limit_count = request.limits != nullptr ? request.limits->size() : 0,
              .parent = ::getpid()};
  // ETXTBSY: another thread's child was cloned while a thread of ours had this very file open for
  // writing, and holds a copy of that descriptor until it closes or execs, some microseconds
  // later. The file itself is closed by now, so waiting that out is enough.
  auto patience = std::chrono::microseconds(50);
  for (;;) {
    KILN_ASSIGN(Child child, clone_child(start));
    if (start.failed == nullptr) return child;
    KILN_TRY(reap(child));
    if (start.failed != kExec) {
      return os_error(start.error, std::string(start.failed) + " " + printable(request.executable));
    }
    if (start.error != ETXTBSY || patience > std::chrono::milliseconds(200)) {
      return exec_error(request, start.error);
    }
    std::this_thread::sleep_for(patience);
    patience *= 2;
    start.failed = nullptr;
  }
}

namespace {

// Nothing if WNOHANG is among the options and the child cannot be reaped yet.
Result<std::optional<ExitStatus>> wait_for(const Child& child, int options) {
  siginfo_t info{};
  rusage usage{};
  long result;
  do {  // The C library's waitid() has no rusage.
    result = ::syscall(SYS_waitid, P_PIDFD, child.pidfd.get(), &info, options, &usage);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return os_error(errno, "wait for process " + std::to_string(child.pid));
  if (info.si_pid == 0) return std::optional<ExitStatus>();
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  rusage own{};
  ::getrusage(RUSAGE_SELF, &own);
  return std::optional(ExitStatus{
      .exit_code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status,
      .user_seconds = seconds(usage.ru_utime),
      .system_seconds = seconds(usage.ru_stime),
      .peak_memory_bytes = usage.ru_maxrss > own.ru_maxrss ? usage.ru_maxrss * 1024 : 0});
}

}  // namespace

Result<ExitStatus> reap(const Child& child) {
  KILN_ASSIGN(const auto status, wait_for(child, WEXITED));
  KILN_CHECK(status.has_value(), "waitid() returned without a child");
  return *status;
}

Result<std::optional<ExitStatus>> reap_until(const Child& child,
                                             std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  for (auto pause = milliseconds(1);; pause = std::min(2 * pause, milliseconds(50))) {
    KILN_ASSIGN(const auto status, wait_for(child, WEXITED | WNOHANG));
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (status || left <= milliseconds(0)) return status;
    // Readable once it has ended; from then on no event tells when its tracer lets it go.
    pollfd ended{.fd = child.pidfd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ended, 1, static_cast<int>(left.count())) == 1) std::this_thread::sleep_for(pause);
  }
}

void signal_family(const Child& child, int signal) {
  ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), signal, nullptr, 0);
  ::kill(-child.pid, signal);
}

}  // namespace kiln::os
