#include "daemon/confine/holder_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/base/file.h"
#include "daemon/confine/mounts.h"
#include "daemon/confine/slot_root.h"

namespace kiln::confine {
namespace {

Report report_of(const Result<void>& result, Part part) {
  Report report;
  report.ok = result.ok();
  report.part = part;
  if (!result.ok()) {
    const std::string message = result.error().to_string();
    std::strncpy(report.message, message.c_str(), sizeof report.message - 1);
  }
  return report;
}

Result<void> write_to(const std::string& path, const std::string& text) {
  KILN_ASSIGN(const UniqueFd fd, open_file(path, O_WRONLY));
  return write_all(fd.get(), text, path);
}

// Leaves nothing open but `keep`, among descriptors from `first` on.
void close_all_but(int keep, unsigned first) {
  const auto kept = static_cast<unsigned>(keep);
  if (kept > first) ::syscall(SYS_close_range, first, kept - 1, 0U);
  ::syscall(SYS_close_range, kept + 1, ~0U, 0U);
}

// Confined processes can read the command line of their slot's first process, which is a copy of
// the daemon: where the daemon is installed is none of their business. proc(5): fields 48 and 49 of
// /proc/PID/stat say where the arguments are.
void erase_command_line() {
  const auto stat = read_file("/proc/self/stat");
  if (!stat.ok()) return;
  size_t at = stat->rfind(')');
  // The field after the name is number 3.
  for (int field = 2; field < 48 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  if (at == std::string::npos) return;
  char* rest = nullptr;
  const uintptr_t begin = std::strtoull(stat->c_str() + at, &rest, 10);
  const uintptr_t end = std::strtoull(rest, nullptr, 10);
  if (begin == 0 || end <= begin) return;
  std::memset(reinterpret_cast<void*>(begin), 0, end - begin);  // NOLINT(performance-no-int-to-ptr)
}

// User and group of the daemon stand for themselves inside; there are no others.
Result<void> keep_identity(uid_t uid, gid_t gid) {
  // An ordinary user may write a group map only after this.
  KILN_TRY(write_to("/proc/self/setgroups", "deny"));
  const std::string user = std::to_string(uid);
  const std::string group = std::to_string(gid);
  KILN_TRY(write_to("/proc/self/uid_map", user + " " + user + " 1"));
  return write_to("/proc/self/gid_map", group + " " + group + " 1");
}

Result<void> become_holder(uint64_t bytes, Part& part) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  part = Part::kUserNamespace;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return os_error(errno, "make a user namespace");
  part = Part::kIdentity;
  KILN_TRY(keep_identity(uid, gid));
  part = Part::kMounts;
  // Slave: what the machine unmounts is not held mounted here.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return os_error(errno, "separate the mounts from those of the machine");
  }
  part = Part::kMemory;
  // Any directory would do: it is covered in this namespace only, until the root changes.
  constexpr const char* kAnyDirectory = "/usr";
  KILN_TRY(mount_new("tmpfs", kAnyDirectory, MS_NOSUID | MS_NODEV,
                     "mode=0700,size=" + std::to_string(bytes)));
  part = Part::kMounts;
  if (::chdir(kAnyDirectory) != 0) return os_error(errno, "enter a new tmpfs");
  if (::mkdir(kHostRoot + 1, 0700) != 0 || ::mkdir(kMountPoint + 1, 0700) != 0) {
    return os_error(errno, "make directories in a new tmpfs");
  }
  if (::syscall(SYS_pivot_root, ".", kHostRoot + 1) != 0) {
    return os_error(errno, "make a tmpfs the root");
  }
  if (::chdir("/") != 0) return os_error(errno, "enter the new root");
  return {};
}

// Without this an own network has no working "localhost".
Result<void> bring_up_loopback() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!socket.valid() || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) {
    return os_error(errno, "bring up the loopback interface");
  }
  // Else a closed connection keeps its port busy for a minute, for the next process, too.
  (void)write_to(std::string(kHostRoot) + "/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
  return {};
}

Result<void> furnish_slot(const SlotRequest& request, Part& part) {
  part = Part::kNamespaces;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::signal(SIGCHLD, SIG_IGN);  // orphans are reaped by the kernel
  ::setsid();
  if (::sethostname("sandbox", 7) != 0 || ::setdomainname("(none)", 6) != 0) {
    return os_error(errno, "set the name of the host");
  }
  part = Part::kNetwork;
  if (request.view.network == Network::kLoopback) KILN_TRY(bring_up_loopback());
  return enter_slot_root(request.view, "/" + std::to_string(request.number), part);
}

// The first process of a slot: furnishes it, says how that went, and then only is there.
[[noreturn]] void live_as_init(const SlotRequest& request, int report_fd) {
  Part part = Part::kNamespaces;
  const Result<void> furnished = furnish_slot(request, part);
  const Report report = report_of(furnished, part);
  close_all_but(report_fd, 0);
  const ssize_t written = ::write(report_fd, &report, sizeof report);
  if (!furnished.ok() || written != sizeof report) ::_exit(1);
  ::close(report_fd);
  for (;;) ::pause();
}

Result<void> make_directories_of(const SlotRequest& request) {
  const std::string directory = "/" + std::to_string(request.number);
  const auto make = [](const std::string& path, mode_t mode) -> Result<void> {
    if (::mkdir(path.c_str(), mode) != 0 || ::chmod(path.c_str(), mode) != 0) {
      return os_error(errno, "make " + path);
    }
    return {};
  };
  KILN_TRY(make(directory, 0700));
  KILN_TRY(make(directory + "/" + kSandboxDirectory, 0700));
  KILN_TRY(make(directory + "/" + kTmpDirectory, 01777));
  return make(directory + "/" + kShmDirectory, 01777);
}

// Makes a slot; its pidfd goes to `pidfd`.
Report make_slot(const SlotRequest& request, UniqueFd& pidfd) {
  if (const auto made = make_directories_of(request); !made.ok()) {
    return report_of(made, Part::kMemory);
  }
  std::array<int, 2> pipe;
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return report_of(os_error(errno, "make a pipe"), Part::kNamespaces);
  }
  const UniqueFd read_end(pipe[0]);
  UniqueFd write_end(pipe[1]);
  unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
  if (request.view.network != Network::kHost) flags |= CLONE_NEWNET;
  int fd = -1;
  const long pid = ::syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, nullptr, &fd, nullptr, 0UL);
  if (pid == 0) live_as_init(request, write_end.get());
  if (pid < 0) return report_of(os_error(errno, "make namespaces"), Part::kNamespaces);
  pidfd.reset(fd);
  write_end.reset();
  // To the end of the stream: the first process has nothing open then that others could find.
  Report report;
  const auto bytes = read_all(read_end.get(), "a slot's report");
  if (bytes.ok() && bytes->size() == sizeof report) {
    std::memcpy(&report, bytes->data(), sizeof report);
  } else {
    return report_of(environment_error(ErrorCode::kUnavailable, "the slot's first process died"),
                     Part::kNamespaces);
  }
  report.init = static_cast<pid_t>(pid);
  return report;
}

// The first processes of slots, as pidfds.
class Inits {
 public:
  void add(int pidfd) {
    std::erase_if(pidfds_, [](const UniqueFd& fd) { return has_ended(fd); });
    pidfds_.emplace_back(::fcntl(pidfd, F_DUPFD_CLOEXEC, 3));
  }
  // Returns when all are dead and reaped: nobody else would have to reap them.
  void end() {
    for (const UniqueFd& fd : pidfds_) {
      ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0);
    }
    // With SIGCHLD ignored this waits for the last child, and fails then.
    while (::waitpid(-1, nullptr, 0) >= 0 || errno == EINTR) {
    }
  }

 private:
  static bool has_ended(const UniqueFd& fd) {
    pollfd ended{.fd = fd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, 0) == 1;
  }
  std::vector<UniqueFd> pidfds_;
};

constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int));

}  // namespace

std::string SlotRequest::encode() const {
  std::string bytes(reinterpret_cast<const char*>(&number), sizeof number);
  bytes += static_cast<char>(view.network);
  for (const std::string& path : view.host_paths) bytes += path + '\0';
  // Paths are absolute, so a name is none.
  for (const LentCache& cache : view.caches) bytes += cache.name + '\0' + cache.directory + '\0';
  return bytes;
}

SlotRequest SlotRequest::decode(const std::string& bytes) {
  SlotRequest request;
  if (bytes.size() <= sizeof request.number) return request;
  std::memcpy(&request.number, bytes.data(), sizeof request.number);
  request.view.network = static_cast<Network>(bytes[sizeof request.number]);
  for (size_t at = sizeof request.number + 1; at < bytes.size();) {
    const size_t end = std::min(bytes.find('\0', at), bytes.size());
    std::string text = bytes.substr(at, end - at);
    at = end + 1;
    if (text.starts_with('/')) {
      request.view.host_paths.push_back(std::move(text));
      continue;
    }
    const size_t directory_end = std::min(bytes.find('\0', at), bytes.size());
    request.view.caches.push_back({std::move(text), bytes.substr(at, directory_end - at)});
    at = directory_end + 1;
  }
  return request;
}

bool send_report(int socket, const Report& report, int fd) {
  iovec data{.iov_base = const_cast<Report*>(&report), .iov_len = sizeof report};
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == sizeof report;
}

bool receive_report(int socket, Report& report, int& fd) {
  iovec data{.iov_base = &report, .iov_len = sizeof report};
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t received;
  do {
    received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  fd = -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (received > 0 && header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  }
  report.message[sizeof report.message - 1] = '\0';
  return received == sizeof report;
}

void run_holder(int socket, uint64_t bytes) {
  ::prctl(PR_SET_NAME, "kiln-holder", 0, 0, 0);
  // Ctrl-C in the terminal of a daemon in the foreground is the daemon's affair.
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int stream : {0, 1, 2}) ::dup2(null, stream);
  close_all_but(socket, 3);
  erase_command_line();
  ::umask(022);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_IGN);  // the first processes of slots are reaped by the kernel
  Part part = Part::kUserNamespace;
  const Result<void> become = become_holder(bytes, part);
  {
    const UniqueFd root(become.ok() ? ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
    if (!send_report(socket, report_of(become, part), root.get()) || !become.ok()) ::_exit(1);
  }
  Inits inits;
  std::string buffer(kMaxRequestBytes, '\0');
  for (;;) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    const auto request = SlotRequest::decode(buffer.substr(0, static_cast<size_t>(size)));
    UniqueFd pidfd;
    const Report report = make_slot(request, pidfd);
    if (pidfd.valid()) inits.add(pidfd.get());
    if (!send_report(socket, report, pidfd.get())) break;
  }
  inits.end();
  ::_exit(0);
}

}  // namespace kiln::confine
