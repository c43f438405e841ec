#include "daemon/confine/mounts.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace kiln::confine {

Result<void> mount_new(const char* type, const std::string& target, unsigned long flags,
                       const std::string& data) {
  if (::mount(type, target.c_str(), type, flags, data.c_str()) != 0) {
    return os_error(errno, "mount a new " + std::string(type) + " at " + target);
  }
  return {};
}

Result<UniqueFd> open_in(int root_fd, const std::string& path, uint64_t flags) {
  const open_how how{.flags = flags | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_IN_ROOT};
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root_fd, path.c_str(), &how, sizeof how)));
  if (!fd.valid()) return os_error(errno, "open " + path + " of the host");
  return fd;
}

Result<void> bind(int source_fd, const std::string& target, const BindAttributes& attributes) {
  const unsigned recursive = attributes.recursive ? AT_RECURSIVE : 0;
  const UniqueFd tree(
      ::open_tree(source_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive));
  if (!tree.valid()) return os_error(errno, "clone the mount for " + target);
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_NOSUID;
  if (attributes.read_only) attr.attr_set |= MOUNT_ATTR_RDONLY;
  if (!attributes.devices) attr.attr_set |= MOUNT_ATTR_NODEV;
  attr.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | recursive, &attr, sizeof attr) != 0) {
    return os_error(errno, "set the attributes of the mount at " + target);
  }
  if (::move_mount(tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return os_error(errno, "attach a mount at " + target);
  }
  return {};
}

Result<void> leave_root_for(const std::string& new_root) {
  constexpr const char* kOldRoot = ".old";
  if (::chdir(new_root.c_str()) != 0) return os_error(errno, "enter " + new_root);
  if (::mkdir(kOldRoot, 0700) != 0) return os_error(errno, "make a directory for the old root");
  if (::syscall(SYS_pivot_root, ".", kOldRoot) != 0) return os_error(errno, "change the root");
  if (::chdir("/") != 0) return os_error(errno, "enter the new root");
  if (::umount2(kOldRoot, MNT_DETACH) != 0) return os_error(errno, "unmount the old root");
  if (::rmdir(kOldRoot) != 0) return os_error(errno, "remove the directory of the old root");
  return {};
}

Result<void> make_root_read_only() {
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (::mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof attr) != 0) {
    return os_error(errno, "make the root read-only");
  }
  return {};
}

}  // namespace kiln::confine
