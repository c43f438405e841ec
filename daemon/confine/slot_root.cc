#include "daemon/confine/slot_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "common/base/file.h"
#include "daemon/confine/mounts.h"

namespace kiln::confine {
namespace {

constexpr std::string_view kRoot = kMountPoint;
// The root holds some copied files of /etc and empty directories.
constexpr const char* kRootSize = "mode=0755,size=32m";

constexpr std::array<const char*, 7> kSystemDirectories{"/usr",   "/bin",   "/sbin",  "/lib",
                                                        "/lib32", "/lib64", "/libx32"};
constexpr std::array<const char*, 5> kDevices{"null", "zero", "full", "random", "urandom"};
// Copied, so that the host's may be replaced by a new file. Nothing here is secret.
constexpr std::array<const char*, 14> kEtcFiles{
    "ld.so.cache", "ld.so.conf",  "nsswitch.conf",   "localtime",          "host.conf",
    "protocols",   "services",    "mime.types",      "os-release",         "debian_version",
    "timezone",    "bash.bashrc", "ssl/openssl.cnf", "pki/tls/openssl.cnf"};
// Never all of /etc/ssl or /etc/pki: they hold private keys.
constexpr std::array<const char*, 5> kEtcDirectories{
    "alternatives", "ssl/certs", "pki/ca-trust/extracted", "pki/tls/certs", "fonts"};
// Directories of /etc with names such as java-17-openjdk, python3.11, perl.
constexpr std::array<std::string_view, 3> kEtcPrefixes{"java", "python", "perl"};

std::string in_root(std::string_view path) { return std::string(kRoot).append(path); }

// Makes a directory and its parents below the new root.
Result<void> make_directory(std::string_view path) { return make_directories(in_root(path), 0755); }

bool is_lent_already(std::string_view path) {
  for (const std::string_view system : kSystemDirectories) {
    if (path == system || (path.starts_with(system) && path[system.size()] == '/')) return true;
  }
  return false;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Result<void> write_file(const std::string& path, std::string_view content) {
  KILN_TRY(make_directory(parent_of(path)));
  KILN_ASSIGN(const UniqueFd fd,
              open_file(in_root(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  return write_all(fd.get(), content, path);
}

Result<void> make_link(const char* target, std::string_view path) {
  if (::symlink(target, in_root(path).c_str()) != 0) {
    return os_error(errno, "make the link " + std::string(path));
  }
  return {};
}

// Shows what `fd` refers to at `path`.
Result<void> show(int fd, const std::string& path, const BindAttributes& attributes) {
  struct stat st;
  if (::fstat(fd, &st) != 0) return os_error(errno, "look at " + path);
  if (S_ISDIR(st.st_mode)) {
    KILN_TRY(make_directory(path));
  } else {
    KILN_TRY(write_file(path, ""));
  }
  return bind(fd, in_root(path), attributes);
}

class Builder {
 public:
  Builder(const View& view, const std::string& directory, Part& part, UniqueFd host)
      : view_(view), directory_(directory), part_(part), host_(std::move(host)) {}

  Result<void> build() {
    part_ = Part::kMemory;
    KILN_TRY(mount_new("tmpfs", std::string(kRoot), MS_NOSUID | MS_NODEV, kRootSize));
    part_ = Part::kMounts;
    for (const char* path : kSystemDirectories) KILN_TRY(lend_system_directory(path));
    KILN_TRY(lend_etc());
    KILN_TRY(show_own(kSandboxDirectory, std::string(kSandboxPath)));
    KILN_TRY(show_own(kTmpDirectory, "/tmp"));
    KILN_TRY(make_directory("/var"));
    KILN_TRY(make_link("../tmp", "/var/tmp"));
    part_ = Part::kDevices;
    KILN_TRY(make_dev());
    part_ = Part::kProc;
    KILN_TRY(mount_proc());
    part_ = Part::kMounts;
    // After all else: they may lie below any of these.
    for (const std::string& path : view_.host_paths) {
      if (!is_lent_already(path)) KILN_TRY(lend(path));
    }
    for (const LentCache& cache : view_.caches) KILN_TRY(lend_cache(cache));
    KILN_TRY(leave_root_for(std::string(kRoot)));
    return make_root_read_only();
  }

 private:
  bool exists(const std::string& path) const { return open_in(host_.get(), path, O_PATH).ok(); }

  Result<void> lend(const std::string& path) {
    KILN_ASSIGN(const UniqueFd fd, open_in(host_.get(), path, O_PATH));
    return show(fd.get(), path, {});
  }

  Result<void> lend_cache(const LentCache& cache) {
    KILN_ASSIGN(const UniqueFd fd, open_in(host_.get(), cache.directory, O_PATH | O_DIRECTORY));
    return show(fd.get(), std::string(kCachesPath) + "/" + cache.name,
                {.read_only = false, .devices = false, .recursive = false});
  }

  // A link, as in a merged /usr, stays a link.
  Result<void> lend_system_directory(const std::string& path) {
    const std::string host_path = kHostRoot + path;
    std::array<char, 256> target{};
    const ssize_t length = ::readlink(host_path.c_str(), target.data(), target.size() - 1);
    if (length > 0) return make_link(target.data(), path);
    if (!exists(path)) return {};
    return lend(path);
  }

  Result<void> lend_etc() {
    for (const std::string_view name : kEtcFiles) KILN_TRY(copy(std::string("/etc/").append(name)));
    for (const std::string_view name : kEtcDirectories) {
      const std::string path = std::string("/etc/").append(name);
      if (exists(path)) KILN_TRY(lend(path));
    }
    KILN_TRY(lend_etc_by_prefix());
    KILN_TRY(write_file("/etc/passwd", passwd()));
    KILN_TRY(write_file("/etc/group", group()));
    KILN_TRY(write_file("/etc/hostname", "sandbox\n"));
    if (view_.network == Network::kHost) {
      KILN_TRY(copy("/etc/resolv.conf"));
      return copy("/etc/hosts");
    }
    return write_file("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n");
  }

  Result<void> lend_etc_by_prefix() {
    const std::string etc = std::string(kHostRoot) + "/etc";
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(etc.c_str()), ::closedir);
    if (dir == nullptr) return {};
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string_view name(entry->d_name);
      for (const std::string_view prefix : kEtcPrefixes) {
        if (entry->d_type == DT_DIR && name.starts_with(prefix)) {
          KILN_TRY(lend("/etc/" + std::string(name)));
        }
      }
    }
    return {};
  }

  // What this user may not read or the host does not have is left out.
  Result<void> copy(const std::string& path) {
    const auto fd = open_in(host_.get(), path, O_RDONLY);
    if (!fd.ok()) return {};
    const auto content = read_all(fd->get(), path);
    if (!content.ok()) return {};
    return write_file(path, *content);
  }

  // The name of `id` in /etc/passwd or /etc/group of the host: both have lines "NAME:x:ID:…".
  std::string name_of(const std::string& file, unsigned id) const {
    const auto fd = open_in(host_.get(), file, O_RDONLY);
    const auto text = fd.ok() ? read_all(fd->get(), file) : fd.error();
    if (!text.ok()) return {};
    const std::string wanted = std::to_string(id);
    for (size_t at = 0; at < text->size();) {
      const size_t end = std::min(text->find('\n', at), text->size());
      const std::string_view line(text->data() + at, end - at);
      at = end + 1;
      const size_t first = line.find(':');
      const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
      if (second == line.npos) continue;
      if (line.substr(second + 1, line.find(':', second + 1) - second - 1) == wanted) {
        return std::string(line.substr(0, first));
      }
    }
    return {};
  }

  std::string passwd() const {
    constexpr const char* kNobody = "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
    const unsigned uid = ::getuid();
    std::string name = name_of("/etc/passwd", uid);
    if (name.empty()) name = "user";
    const std::string line = name + ":x:" + std::to_string(uid) + ":" + std::to_string(::getgid()) +
                             ":" + name + ":" + std::string(kSandboxPath) + ":/bin/sh\n";
    return uid == 65534 ? line : line + kNobody;
  }

  std::string group() const {
    const unsigned gid = ::getgid();
    std::string name = name_of("/etc/group", gid);
    if (name.empty()) name = "user";
    const std::string line = name + ":x:" + std::to_string(gid) + ":\n";
    return gid == 65534 ? line : line + "nogroup:x:65534:\n";
  }

  Result<void> make_dev() {
    for (const std::string_view name : kDevices) {
      const std::string path = std::string("/dev/").append(name);
      KILN_ASSIGN(const UniqueFd fd, open_in(host_.get(), path, O_PATH));
      // A read-only mount does not keep a process from writing to a device, but from changing the
      // mode of its inode, which is the host's.
      KILN_TRY(show(fd.get(), path, {.read_only = true, .devices = true, .recursive = false}));
    }
    KILN_TRY(make_directory("/dev/pts"));
    KILN_TRY(mount_new("devpts", in_root("/dev/pts"), MS_NOSUID | MS_NOEXEC,
                       "newinstance,ptmxmode=0666,mode=0620"));
    KILN_TRY(make_link("pts/ptmx", "/dev/ptmx"));
    KILN_TRY(make_link("/proc/self/fd", "/dev/fd"));
    KILN_TRY(make_link("/proc/self/fd/0", "/dev/stdin"));
    KILN_TRY(make_link("/proc/self/fd/1", "/dev/stdout"));
    KILN_TRY(make_link("/proc/self/fd/2", "/dev/stderr"));
    return show_own(kShmDirectory, "/dev/shm");
  }

  // The kernel allows a new /proc only where another one is wholly visible: that of the host,
  // which leave_root_for() drops from view.
  Result<void> mount_proc() {
    KILN_TRY(make_directory("/proc"));
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    // Files below /proc/sys that are not of a namespace belong to root, who may write to them
    // without any capability.
    if (::getuid() == 0) flags |= MS_RDONLY;
    return mount_new("proc", in_root("/proc"), flags, "");
  }

  // Shows one of the slot's own directories.
  Result<void> show_own(const char* name, const std::string& path) {
    KILN_ASSIGN(const UniqueFd fd, open_file(directory_ + "/" + name, O_PATH | O_DIRECTORY));
    return show(fd.get(), path, {.read_only = false, .devices = false, .recursive = false});
  }

  const View& view_;
  const std::string& directory_;
  Part& part_;
  const UniqueFd host_;
};

}  // namespace

Result<void> enter_slot_root(const View& view, const std::string& directory, Part& part) {
  part = Part::kMounts;
  KILN_ASSIGN(UniqueFd host, open_file(kHostRoot, O_PATH | O_DIRECTORY));
  return Builder(view, directory, part, std::move(host)).build();
}

}  // namespace kiln::confine
