// Directories and files below a root, without ever leaving it.
//
// Threads: stateless, thread-safe. Blocking.
// Fails:   os_error with the path; paths are confined with openat2(2), RESOLVE_BENEATH |
//          RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS: a symlink on the way is ELOOP
//          (kFailedPrecondition), whatever raced with us.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/types/rel_path.h"

namespace kiln::os {

enum class FileKind : uint8_t { kFile, kDirectory, kSymlink, kOther };

struct DirEntry {
  std::string name;  // bytes as the kernel gives them: not necessarily UTF-8
  FileKind kind = FileKind::kOther;
  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

struct Stat {
  FileKind kind = FileKind::kOther;
  uint32_t mode = 0;  // permission bits
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint32_t links = 0;  // more than one: it can be written by a name in another directory
  bool executable() const { return (mode & 0100) != 0; }
  friend bool operator==(const Stat&, const Stat&) = default;
};

// `flags` as open(2); O_CLOEXEC is added. The root path opens the root itself.
Result<UniqueFd> open_beneath(int root_fd, const RelPath& path, int flags, unsigned mode = 0);
// Makes the missing parents of `path` (0755) and opens its parent directory.
Result<UniqueFd> open_parent_making(int root_fd, const RelPath& path);
// Entries without "." and "..", sorted by name. d_type where the file system gives it, else statx.
// Reads from the start and moves the offset of `dir_fd`: one descriptor, one thread at a time.
Result<std::vector<DirEntry>> list_directory(int dir_fd);
// Of the last component itself (no following). Nothing when it does not or cannot exist (ENOENT,
// ENOTDIR, ENAMETOOLONG).
Result<std::optional<Stat>> stat_beneath(int root_fd, const RelPath& path);
Result<Stat> stat_fd(int fd);
Result<std::string> read_link_beneath(int root_fd, const RelPath& path);
// Removes `name` in `dir_fd` and everything below it, whatever the modes of directories and however
// deep (three descriptors at most); never follows symlinks or crosses into another mount. Absent
// is success. Stops at the first entry that cannot be removed, and names it; and with kCancelled
// soon after `stop` fires.
Result<void> remove_tree(int dir_fd, const char* name, const std::stop_token& stop = {});

}  // namespace kiln::os
