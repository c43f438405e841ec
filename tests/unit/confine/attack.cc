// Tries to reach past a strict sandbox with ordinary system calls, and prints a line "could …" for
// everything that worked. Nothing printed but "tried N ways" is the answer that its test wants.
//
//   attack SECRET_FILE TCP_PORT ABSTRACT_NAME PID KEY_NAME
//
// SECRET_FILE exists outside; TCP_PORT of 127.0.0.1 and the abstract socket are listened on
// outside; PID is a process outside.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <set>
#include <string>

namespace {

int tried = 0;

void attempt(const std::string& what, bool worked) {
  ++tried;
  if (worked) std::printf("could %s\n", what.c_str());
  std::fflush(stdout);
}

bool can_open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// Some files of /proc open for everybody and refuse to be read.
bool can_read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  char byte = 0;
  const bool could = fd >= 0 && ::read(fd, &byte, 1) > 0;
  if (fd >= 0) ::close(fd);
  return could;
}

bool can_list_more_than_dots(const char* path) {
  DIR* dir = ::opendir(path);
  int count = 0;
  while (dir != nullptr && ::readdir(dir) != nullptr) ++count;
  if (dir != nullptr) ::closedir(dir);
  return count > 2;  // without . and ..
}

// Runs `work` in a child, so that what it does to itself does not count for the rest.
bool in_child(const std::function<bool()>& work) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(work() ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool can_make_a_file_in(const std::string& directory) {
  const std::string path = directory + "/kiln-attack";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  ::close(fd);
  ::unlink(path.c_str());
  return true;
}

// Walks everything that can be seen, but for /proc and this sandbox's own directories.
void walk(const std::string& directory, int depth, const std::string& secret_name) {
  static const std::set<std::string> kOwn{"/proc", "/sandbox", "/tmp", "/dev/shm"};
  if (kOwn.contains(directory)) return;
  if (can_make_a_file_in(directory.empty() ? "/" : directory)) {
    attempt("write in " + (directory.empty() ? "/" : directory), true);
  }
  if (depth == 0) return;
  DIR* dir = ::opendir(directory.empty() ? "/" : directory.c_str());
  if (dir == nullptr) return;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (name == secret_name) attempt("see the secret in " + directory, true);
    if (entry->d_type == DT_DIR) walk(directory + "/" + name, depth - 1, secret_name);
  }
  ::closedir(dir);
}

void files(const std::string& secret) {
  const std::string name = secret.substr(secret.rfind('/') + 1);
  attempt("read a file of the host", can_open(secret, O_RDONLY));
  attempt("read it by .. of the root", can_open("/../../.." + secret, O_RDONLY));
  for (const char* prefix : {"/host", "/.old", "/mnt", "/proc/1/root", "/proc/1/cwd",
                             "/proc/1/root/host", "/proc/self/root/host"}) {
    attempt("read it at " + std::string(prefix), can_open(prefix + secret, O_RDONLY));
  }
  for (const char* path :
       {"/etc/shadow", "/etc/ssl/private", "/root", "/home", "/run", "/sys", "/boot", "/mnt",
        "/var/lib", "/opt", "/dev/kmsg", "/dev/mem", "/dev/fuse", "/dev/kvm"}) {
    attempt("open " + std::string(path), can_open(path, O_RDONLY));
  }
  // Slots have numbers.
  for (int i = 0; i < 64; ++i) {
    attempt("enter slot " + std::to_string(i), can_open("/" + std::to_string(i), O_RDONLY));
  }
  walk("", 2, name);
  for (const char* directory : {"/usr/bin", "/usr/lib", "/etc/ssl/certs", "/etc/alternatives",
                                "/dev/pts", "/proc", "/proc/sys/kernel"}) {
    attempt("write in " + std::string(directory), can_make_a_file_in(directory));
  }
  for (const char* path : {"/etc/passwd", "/usr/bin/env", "/etc/hosts"}) {
    attempt("write to " + std::string(path), can_open(path, O_WRONLY));
    attempt("chmod " + std::string(path), ::chmod(path, 0777) == 0);
  }
  attempt("chmod /dev/null", ::chmod("/dev/null", 0666) == 0);
  attempt("set the times of /dev/null", ::utimensat(AT_FDCWD, "/dev/null", nullptr, 0) == 0);
  attempt("make a device", ::mknod("/sandbox/disk", S_IFBLK | 0600, 0xfe00) == 0);
  const open_how how{.flags = O_RDONLY | O_DIRECTORY, .mode = 0, .resolve = 0};
  const long up = ::syscall(SYS_openat2, AT_FDCWD, "/sandbox/../..", &how, sizeof how);
  struct stat here {};
  struct stat root {};
  ::fstat(static_cast<int>(up), &here);
  ::stat("/", &root);
  attempt("get above the root", here.st_ino != root.st_ino || here.st_dev != root.st_dev);
}

void descriptors() {
  for (int fd = 3; fd < 1024; ++fd) {
    attempt("use descriptor " + std::to_string(fd), ::fcntl(fd, F_GETFD) >= 0);
  }
}

bool can_connect(int family, const void* address, socklen_t size, int type = SOCK_STREAM) {
  const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool done =
      ::connect(fd, static_cast<const sockaddr*>(address), size) == 0 || errno == EINPROGRESS;
  int error = 0;
  socklen_t length = sizeof error;
  // Refusals on an own loopback interface come at once.
  const bool connected =
      done && ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
  ::close(fd);
  return connected;
}

bool can_connect_to(const char* address, int port, int type = SOCK_STREAM) {
  sockaddr_in v4{.sin_family = AF_INET,
                 .sin_port = htons(static_cast<uint16_t>(port)),
                 .sin_addr = {},
                 .sin_zero = {}};
  if (::inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
    return can_connect(AF_INET, &v4, sizeof v4, type);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  ::inet_pton(AF_INET6, address, &v6.sin6_addr);
  return can_connect(AF_INET6, &v6, sizeof v6, type);
}

void network(int port, const std::string& abstract_name) {
  attempt("reach a server of the host", can_connect_to("127.0.0.1", port));
  attempt("reach it over IPv6", can_connect_to("::1", port));
  for (const char* address : {"192.0.2.1", "10.0.0.1", "169.254.169.254", "2001:db8::1"}) {
    attempt("route TCP to " + std::string(address), can_connect_to(address, 80));
    attempt("route UDP to " + std::string(address), can_connect_to(address, 53, SOCK_DGRAM));
  }
  sockaddr_un unix_address{};
  unix_address.sun_family = AF_UNIX;
  std::memcpy(unix_address.sun_path + 1, abstract_name.data(), abstract_name.size());
  attempt("reach an abstract socket",
          can_connect(
              AF_UNIX, &unix_address,
              static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + abstract_name.size())));
  for (const int family : {AF_VSOCK, AF_PACKET, AF_BLUETOOTH, AF_CAN, AF_TIPC, AF_QIPCRTR}) {
    const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int stream = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    attempt("make a socket of family " + std::to_string(family), fd >= 0 || stream >= 0);
  }
  attempt("make a raw socket", ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) >= 0);
  char ring_parameters[256] = {};
  attempt("make an io_uring", ::syscall(SYS_io_uring_setup, 4, ring_parameters) >= 0);
}

void processes(pid_t outside) {
  DIR* dir = ::opendir("/proc");
  attempt("live without /proc", dir == nullptr);
  while (const dirent* entry = dir == nullptr ? nullptr : ::readdir(dir)) {
    const int pid = std::atoi(entry->d_name);
    attempt("see process " + std::to_string(pid), pid > 1 && pid != ::getpid());
  }
  if (dir != nullptr) ::closedir(dir);
  attempt("see the parent", ::getppid() != 0);
  for (const pid_t pid : {outside, -outside, -1}) {
    attempt("signal process " + std::to_string(pid), ::kill(pid, 0) == 0);
  }
  attempt("open a process outside", ::syscall(SYS_pidfd_open, outside, 0) >= 0);
  // The first process of the slot is a copy of the daemon.
  attempt("kill the slot's first process", ::kill(1, SIGTERM) == 0 && ::kill(1, 0) != 0);
  attempt("trace it", ::ptrace(PTRACE_SEIZE, 1, nullptr, nullptr) == 0);
  for (const char* file : {"mem", "environ", "maps", "auxv", "stack", "io", "exe"}) {
    attempt("read its " + std::string(file), can_read("/proc/1/" + std::string(file)));
  }
  for (const char* file : {"root", "cwd", "ns/mnt", "ns/user", "ns/net"}) {
    attempt("open its " + std::string(file), can_open("/proc/1/" + std::string(file), O_RDONLY));
  }
  attempt("list its descriptors", can_list_more_than_dots("/proc/1/fd"));
  char line[4096] = {};
  const int cmdline = ::open("/proc/1/cmdline", O_RDONLY | O_CLOEXEC);
  attempt("read where the daemon is installed",
          cmdline >= 0 && ::read(cmdline, line, sizeof line) > 0 && line[0] != '\0');
  iovec local{.iov_base = line, .iov_len = 1};
  iovec remote{.iov_base = line, .iov_len = 1};
  attempt("read its memory", ::process_vm_readv(1, &local, 1, &remote, 1, 0) > 0);
}

bool may_mount() {
  return ::mount("none", "/sandbox", "tmpfs", 0, nullptr) == 0 ||
         ::mount("/usr", "/sandbox", nullptr, MS_BIND, nullptr) == 0 ||
         ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0 ||
         ::mount(nullptr, "/usr", nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0 ||
         ::umount2("/sandbox", MNT_DETACH) == 0 || ::umount2("/tmp", MNT_DETACH) == 0;
}

// With all rights of a user namespace of its own: are covers lifted, is anything writable?
bool may_in_new_namespaces(const std::string& secret) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  for (const char* path : {"/sandbox", "/tmp", "/dev/shm", "/proc", "/dev", "/usr", "/dev/pts"}) {
    if (::umount2(path, MNT_DETACH) == 0 && std::string(path) != "/") return true;
  }
  mount_attr writable{};
  writable.attr_clr = MOUNT_ATTR_RDONLY;
  for (const char* path : {"/", "/usr", "/etc/alternatives"}) {
    if (::mount_setattr(AT_FDCWD, path, 0, &writable, sizeof writable) == 0) return true;
  }
  // A copy of the root without what is mounted on it.
  if (::mount("/", "/sandbox", nullptr, MS_BIND, nullptr) == 0) return true;
  if (::mount("/", "/sandbox", nullptr, MS_BIND | MS_REC, nullptr) == 0 &&
      can_make_a_file_in("/sandbox/usr")) {
    return true;
  }
  return can_open(secret, O_RDONLY) || can_open("/host" + secret, O_RDONLY);
}

void rights(const std::string& secret) {
  attempt("mount", in_child(may_mount));
  attempt("chroot", in_child([] { return ::chroot("/sandbox") == 0; }));
  attempt("change the root",
          in_child([] { return ::syscall(SYS_pivot_root, "/sandbox", "/sandbox") == 0; }));
  for (const int type : {CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWIPC}) {
    attempt("make a namespace " + std::to_string(type),
            in_child([type] { return ::unshare(type) == 0; }));
  }
  attempt("gain by a user namespace", in_child([&] { return may_in_new_namespaces(secret); }));
  attempt("become another user", ::setuid(1) == 0 || ::setgid(1) == 0);
  attempt("gain rights by exec", ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
  attempt("rename the host", ::sethostname("x", 1) == 0);
  timeval now{};
  ::gettimeofday(&now, nullptr);
  attempt("set the clock", ::settimeofday(&now, nullptr) == 0);
  attempt("raise its priority", ::setpriority(PRIO_PROCESS, 0, -5) == 0);
  for (const char* path :
       {"/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sys/kernel/hostname",
        "/proc/sysrq-trigger", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max"}) {
    attempt("open " + std::string(path), can_open(path, O_WRONLY));
  }
}

void keys(const std::string& name) {
  const long added = ::syscall(SYS_add_key, "user", name.c_str(), "x", 1, -4);  // @u
  attempt("leave a key", added >= 0);
  attempt("find a key", ::syscall(SYS_request_key, "user", name.c_str(), nullptr, -4) >= 0);
  attempt("use keyrings", ::syscall(SYS_keyctl, 0, -3, 0) >= 0);
}

// What stays if nobody cleans up: the test looks for it.
void leave_things() {
  const pid_t between = ::fork();
  if (between == 0) {
    ::setsid();
    if (::fork() == 0) {
      for (const int stream : {0, 1, 2}) ::close(stream);
      for (int signal = 1; signal < 64; ++signal) ::signal(signal, SIG_IGN);
      for (;;) ::pause();
    }
    ::_exit(0);
  }
  ::waitpid(between, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::string secret = argv[1];
  descriptors();
  processes(std::atoi(argv[4]));
  files(secret);
  network(std::atoi(argv[2]), argv[3]);
  keys(argv[5]);
  rights(secret);
  leave_things();
  std::printf("tried %d ways\n", tried);
  return 0;
}
