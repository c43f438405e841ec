#include "daemon/confine/entry.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string_view>
#include <thread>

#include "common/types/rel_path.h"
#include "daemon/confine/syscall_filter.h"

// glibc's clone(2) under its other name, which ThreadSanitizer does not take for a fork.
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);

namespace kiln::confine {
namespace {

// A few leaf functions need little.
constexpr size_t kStack = size_t{16} << 10;

enum class Failed : uint8_t { kNothing, kEnter, kClone, kIsolate, kDirectory, kStreams, kExec };

// What this thread and both children share while it is suspended.
struct Entry {
  int init_pidfd;
  int namespaces;
  int scope_fd = -1;  // a Landlock rule set; -1: none
  const char* executable = nullptr;
  char* const* argv = nullptr;
  char* const* env = nullptr;
  const char* working_directory = nullptr;
  int stdout_fd = -1;
  int stderr_fd = -1;
  const os::ResourceLimit* limits = nullptr;
  size_t limit_count = 0;
  int signal = 0;  // not 0: send this to all, and start nothing
  // The answer.
  Failed failed = Failed::kNothing;
  int error = 0;
  bool occupied = false;
  pid_t pid = -1;
  bool exists = false;           // exec found no interpreter, but the executable is there
  std::array<char, 256> head{};  // how the executable begins then
  alignas(64) std::array<std::byte, kStack> inner_stack;
  alignas(64) std::array<std::byte, kStack> outer_stack;
};

// Everything from here to exec runs in the children, on the parent's memory: no allocation, no
// lock, no libc state. Raw system calls, so that a sanitizer's interceptors do not take a child's
// descriptors for the parent's, and because the C library's may signal the threads of the parent.
#define KILN_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

template <class... Args>
KILN_IN_CHILD inline long sys(long number, Args... args) {
  return ::syscall(number, args...);
}

KILN_IN_CHILD int give_up(Entry& entry, Failed what) {
  entry.error = errno;
  entry.failed = what;
  return 127;
}

// A descriptor that the dup3()s onto 0, 1 and 2 cannot overwrite before it is used.
KILN_IN_CHILD int above_stdio(int fd, int dev_null) {
  if (fd < 0) fd = dev_null;
  return fd > 2 ? fd : static_cast<int>(sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3));
}

KILN_IN_CHILD bool arrange_stdio(const Entry& entry) {
  const long opened = sys(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  const int dev_null = above_stdio(static_cast<int>(opened), -1);
  const int out = above_stdio(entry.stdout_fd, dev_null);
  const int err = above_stdio(entry.stderr_fd, dev_null);
  return dev_null >= 0 && out >= 0 && err >= 0 && sys(SYS_dup3, dev_null, 0, 0) >= 0 &&
         sys(SYS_dup3, out, 1, 0) >= 0 && sys(SYS_dup3, err, 2, 0) >= 0 &&
         sys(SYS_close_range, 3U, ~0U, 0U) >= 0;
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

KILN_IN_CHILD bool set_limits(const Entry& entry) {
  for (size_t i = 0; i < entry.limit_count; ++i) {
    const os::ResourceLimit& limit = entry.limits[i];
    if (sys(SYS_prlimit64, 0, limit.resource, &limit.limit, nullptr) < 0) return false;
  }
  return true;
}

KILN_IN_CHILD bool give_up_rights(const Entry& entry) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2] = {};
  if (sys(SYS_capset, &header, none) < 0) return false;
  if (sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return false;
  return entry.scope_fd < 0 || sys(SYS_landlock_restrict_self, entry.scope_fd, 0) == 0;
}

// So that the error can name the interpreter that is missing.
KILN_IN_CHILD void look_at_executable(Entry& entry) {
  const int error = errno;
  const long fd = sys(SYS_openat, AT_FDCWD, entry.executable, O_RDONLY | O_CLOEXEC, 0);
  if (fd >= 0) {
    entry.exists = true;
    sys(SYS_read, fd, entry.head.data(), entry.head.size() - 1);
  }
  errno = error;
}

// The process itself, in the namespaces.
KILN_IN_CHILD int inner_child(void* argument) {
  Entry& entry = *static_cast<Entry*>(argument);
  // The parent has no number here if this is another pid namespace: kill(-1) must not run outside.
  if (sys(SYS_getppid) != 0) return give_up(entry, Failed::kEnter);
  if (entry.signal != 0) {
    sys(SYS_kill, -1, entry.signal);
    return 0;
  }
  // Nobody else may be there: until exec this process shares the daemon's memory, and whoever has
  // no more rights than it could look at that. So this comes before the rights are given up.
  if (sys(SYS_kill, -1, SIGKILL) == 0) {
    entry.occupied = true;
    return 127;
  }
  sys(SYS_setpgid, 0, 0);  // no session of its own: its leader could not change its group
  sys(SYS_umask, 022);
  if (sys(SYS_chdir, entry.working_directory) < 0) return give_up(entry, Failed::kDirectory);
  // The streams come last: /dev/null is the slot's, and the rule set's descriptor is closed here.
  if (!give_up_rights(entry)) return give_up(entry, Failed::kIsolate);
  if (!arrange_stdio(entry)) return give_up(entry, Failed::kStreams);
  if (!set_limits(entry)) return give_up(entry, Failed::kIsolate);
  reset_signals();
  sys(SYS_execve, entry.executable, entry.argv, entry.env);
  if (errno == ENOENT) look_at_executable(entry);
  return give_up(entry, Failed::kExec);
}

// Enters the namespaces, makes the process there as its sibling, and ends. A pid namespace counts
// only for children, hence two processes.
KILN_IN_CHILD int outer_child(void* argument) {
  Entry& entry = *static_cast<Entry*>(argument);
  if (sys(SYS_setns, entry.init_pidfd, entry.namespaces) < 0) {
    return give_up(entry, Failed::kEnter);
  }
  int flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT;
  if (entry.signal == 0) flags |= CLONE_NEWIPC;
  const int pid =
      ::__clone(inner_child, entry.inner_stack.data() + entry.inner_stack.size(), flags, &entry);
  if (pid < 0) return give_up(entry, Failed::kClone);
  entry.pid = pid;
  return 0;
}

Result<void> reap_pid(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0) {
    if (errno != EINTR) return os_error(errno, "wait for process " + std::to_string(pid));
  }
  return {};
}

// Runs both children. On success the inner one has executed its command, or has ended.
Result<void> clone_into(Entry& entry) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t outer = ::__clone(outer_child, entry.outer_stack.data() + entry.outer_stack.size(),
                                CLONE_VM | CLONE_VFORK | SIGCHLD, &entry);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (outer < 0) return os_error(error, "start a process");
  return reap_pid(outer);
}

// Keeps abstract sockets of the machine out of reach of processes that share its network. The rule
// set is that of the whole process, and is empty (-1) before Linux 6.12.
int abstract_socket_scope() {
  static const int fd = [] {
    struct {
      uint64_t handled_access_fs = 0;
      uint64_t handled_access_net = 0;
      uint64_t scoped = 1;  // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
    } rules;
    return static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0));
  }();
  return fd;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

Error exec_error(const Entry& entry) {
  const std::string name = printable(entry.executable);
  if (entry.error == ENOENT || entry.error == ENOTDIR) {
    if (entry.exists) {
      return os::interpreter_error(name, os::interpreter_in(entry.head.data()), " in the sandbox");
    }
    return user_error(ErrorCode::kCommandNotFound,
                      "cannot execute " + name + ": it does not exist in the sandbox");
  }
  if (entry.error == ENOEXEC) {
    return user_error(ErrorCode::kCommandNotExecutable,
                      "cannot execute " + name +
                          ": neither a program of this machine nor a script that starts with #!");
  }
  return user_error(ErrorCode::kCommandNotExecutable,
                    os_error(entry.error, "execute " + name).message());
}

Error error_of(const Entry& entry) {
  switch (entry.failed) {
    case Failed::kExec:
      return exec_error(entry);
    case Failed::kDirectory:
      return os_error(entry.error,
                      "enter the working directory " + printable(entry.working_directory));
    case Failed::kStreams:
      return os_error(entry.error, "arrange the standard streams in a strict sandbox");
    case Failed::kIsolate:
      return os_error(entry.error, "give up rights in a strict sandbox");
    case Failed::kEnter:
    case Failed::kClone:
    case Failed::kNothing:
      break;
  }
  return os_error(entry.error, "enter a strict sandbox");
}

Entry entry_to(const Namespaces& namespaces) {
  Entry entry{
      .init_pidfd = namespaces.init_pidfd,
      .namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS};
  if (namespaces.own_network) entry.namespaces |= CLONE_NEWNET;
  return entry;
}

Result<void> filter_once() {
  static thread_local bool filtered = false;
  if (filtered) return {};
  KILN_TRY(filter_this_thread());
  filtered = true;
  return {};
}

}  // namespace

Result<Entered> start_in(const Namespaces& namespaces, const Command& command) {
  KILN_TRY(filter_once());
  const std::vector<char*> argv = pointers(command.argv);
  const std::vector<char*> env = pointers(command.env);
  // ETXTBSY: a child of another thread was cloned while the executable was open for writing, and
  // has a copy of that descriptor until its own exec, some microseconds later.
  auto patience = std::chrono::microseconds(50);
  for (;;) {
    Entry entry = entry_to(namespaces);
    if (!namespaces.own_network) entry.scope_fd = abstract_socket_scope();
    entry.executable = command.executable.c_str();
    entry.argv = argv.data();
    entry.env = env.data();
    entry.working_directory = command.working_directory.c_str();
    entry.stdout_fd = command.stdout_fd;
    entry.stderr_fd = command.stderr_fd;
    if (command.limits != nullptr) {
      entry.limits = command.limits->data();
      entry.limit_count = command.limits->size();
    }
    const auto begin = std::chrono::steady_clock::now();
    KILN_TRY(clone_into(entry));
    if (entry.failed == Failed::kNothing && !entry.occupied) {
      UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, entry.pid, 0)));
      if (!pidfd.valid()) return os_error(errno, "open a process of a strict sandbox");
      return Entered{.child = {.pid = entry.pid,
                               .pidfd = std::move(pidfd),
                               .birth = {.pid = entry.pid, .time = begin}}};
    }
    if (entry.pid > 0) KILN_TRY(reap_pid(entry.pid));
    if (entry.occupied) return Entered{.child = {}, .occupied = true};
    if (entry.error != ETXTBSY || patience > std::chrono::milliseconds(200)) {
      return error_of(entry);
    }
    std::this_thread::sleep_for(patience);
    patience *= 2;
  }
}

Result<void> signal_all_in(const Namespaces& namespaces, int signal) {
  Entry entry = entry_to(namespaces);
  entry.signal = signal;
  KILN_TRY(clone_into(entry));
  if (entry.pid > 0) KILN_TRY(reap_pid(entry.pid));
  if (entry.failed != Failed::kNothing) return error_of(entry);
  return {};
}

}  // namespace kiln::confine
