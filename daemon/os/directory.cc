#include "daemon/os/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>

namespace kiln::os {

namespace {

const char* c_path(const RelPath& path) { return path.is_root() ? "." : path.str().c_str(); }

std::string shown(const RelPath& path) { return path.is_root() ? "." : printable(path.str()); }

FileKind kind_of_mode(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileKind::kFile;
    case S_IFDIR:
      return FileKind::kDirectory;
    case S_IFLNK:
      return FileKind::kSymlink;
    default:
      return FileKind::kOther;
  }
}

int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// `name` in `dir_fd` (or `dir_fd` itself where it is empty); errno of statx(2), 0 for success.
int stat_at(int dir_fd, const char* name, unsigned wanted, struct statx& stx) {
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);
  return ::statx(dir_fd, name, flags, wanted, &stx) == 0 ? 0 : errno;
}

Stat to_stat(const struct statx& stx) {
  return Stat{.kind = kind_of_mode(stx.stx_mode),
              .mode = stx.stx_mode & 07777U,
              .device = makedev(stx.stx_dev_major, stx.stx_dev_minor),
              .inode = stx.stx_ino,
              .size = static_cast<int64_t>(stx.stx_size),
              .mtime_ns = nanoseconds(stx.stx_mtime),
              .ctime_ns = nanoseconds(stx.stx_ctime),
              .links = stx.stx_nlink};
}

// openat2(2) as the header promises it: a descriptor, or -errno.
int open_confined(int root_fd, const RelPath& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd;
  do {
    fd = ::syscall(SYS_openat2, root_fd, c_path(path), &how, sizeof how);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

Error open_error(int errno_value, const RelPath& path) {
  if (errno_value != ENOSYS) return os_error(errno_value, "open " + shown(path));
  return environment_error(ErrorCode::kUnsupported,
                           "cannot open " + shown(path) +
                               ": this kernel lacks openat2(2); kiln needs Linux 5.6 or newer");
}

// The last component of a path and a descriptor on its parent, so that what follows acts on that
// component itself.
class Place {
 public:
  Place(int root_fd, const RelPath& path) : dir_fd_(root_fd), name_(path.name()) {
    const RelPath parent = path.parent();
    if (parent.is_root()) return;
    dir_fd_ = open_confined(root_fd, parent, O_PATH | O_DIRECTORY, 0);
    if (dir_fd_ < 0) failed_ = -dir_fd_;
    if (dir_fd_ >= 0) owned_.reset(dir_fd_);
  }
  int failed() const { return failed_; }  // errno, or 0
  int dir_fd() const { return dir_fd_; }
  const char* name() const { return name_.c_str(); }

 private:
  int dir_fd_;
  int failed_ = 0;
  std::string name_;
  UniqueFd owned_;
};

// What getdents64(2) writes, one after the other, each `length` bytes long.
struct RawEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

// Nothing when the file system did not say and the entry has vanished meanwhile.
Result<std::optional<FileKind>> kind_of(int dir_fd, const RawEntry& entry) {
  switch (entry.type) {
    case DT_REG:
      return FileKind::kFile;
    case DT_DIR:
      return FileKind::kDirectory;
    case DT_LNK:
      return FileKind::kSymlink;
    case DT_UNKNOWN:
      break;
    default:
      return FileKind::kOther;
  }
  struct statx stx;
  const int failed = stat_at(dir_fd, entry.name, STATX_TYPE, stx);
  if (failed == ENOENT) return std::optional<FileKind>();
  if (failed != 0) return os_error(failed, "stat " + printable(entry.name));
  return kind_of_mode(stx.stx_mode);
}

bool is_dot_or_dot_dot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

}  // namespace

Result<UniqueFd> open_beneath(int root_fd, const RelPath& path, int flags, unsigned mode) {
  const int fd = open_confined(root_fd, path, flags, mode);
  if (fd < 0) return open_error(-fd, path);
  return UniqueFd(fd);
}

Result<UniqueFd> open_parent_making(int root_fd, const RelPath& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  const RelPath parent = path.parent();
  auto there = open_beneath(root_fd, parent, kFlags);
  if (there.ok() || there.error().code() != ErrorCode::kNotFound) return there;

  KILN_ASSIGN(UniqueFd fd, open_beneath(root_fd, RelPath(), kFlags));
  std::string_view rest = parent.str();
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const RelPath component = RelPath::from_normalized(std::string(rest.substr(0, slash)));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (::mkdirat(fd.get(), c_path(component), 0755) != 0 && errno != EEXIST) {
      return os_error(errno, "make directory " + shown(component) + " of " + shown(path));
    }
    auto child = open_beneath(fd.get(), component, kFlags);
    if (!child.ok())
      return child.error().with_context("while making the parents of " + shown(path));
    fd = *std::move(child);
  }
  return fd;
}

Result<std::vector<DirEntry>> list_directory(int dir_fd) {
  constexpr size_t kBufferSize = size_t{32} << 10;
  if (::lseek(dir_fd, 0, SEEK_SET) < 0) return os_error(errno, "list a directory");
  std::vector<DirEntry> entries;
  alignas(RawEntry) std::array<char, kBufferSize> buffer;
  for (;;) {
    const long n = ::syscall(SYS_getdents64, dir_fd, buffer.data(), buffer.size());
    if (n < 0) return os_error(errno, "list a directory");
    if (n == 0) break;
    for (long at = 0; at < n;) {
      const auto* entry = reinterpret_cast<const RawEntry*>(buffer.data() + at);
      at += entry->length;
      if (is_dot_or_dot_dot(entry->name)) continue;
      KILN_ASSIGN(const std::optional<FileKind> kind, kind_of(dir_fd, *entry));
      if (kind) entries.push_back({entry->name, *kind});
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

Result<std::optional<Stat>> stat_beneath(int root_fd, const RelPath& path) {
  const auto absent = [](int errno_value) {
    return errno_value == ENOENT || errno_value == ENOTDIR || errno_value == ENAMETOOLONG;
  };
  const Place place(root_fd, path);
  if (absent(place.failed())) return std::optional<Stat>();
  if (place.failed() != 0) return open_error(place.failed(), path);
  struct statx stx;
  const int failed = stat_at(place.dir_fd(), place.name(), STATX_BASIC_STATS, stx);
  if (absent(failed)) return std::optional<Stat>();
  if (failed != 0) return os_error(failed, "stat " + shown(path));
  return std::optional<Stat>(to_stat(stx));
}

Result<Stat> stat_fd(int fd) {
  struct statx stx;
  if (const int failed = stat_at(fd, "", STATX_BASIC_STATS, stx); failed != 0) {
    return os_error(failed, "stat an open file");
  }
  return to_stat(stx);
}

Result<std::string> read_link_beneath(int root_fd, const RelPath& path) {
  const Place place(root_fd, path);
  if (place.failed() != 0) return open_error(place.failed(), path);
  std::array<char, PATH_MAX> target;
  const ssize_t n = ::readlinkat(place.dir_fd(), place.name(), target.data(), target.size());
  if (n < 0) return os_error(errno, "read link " + shown(path));
  return std::string(target.data(), static_cast<size_t>(n));
}

}  // namespace kiln::os
