#include "daemon/os/descent.h"

#include <fcntl.h>

#include <cerrno>

#include "common/base/check.h"
#include "daemon/os/directory.h"

namespace kiln::os {

namespace {

// Most trees are less deep, and never open a directory twice.
constexpr size_t kOpenLevels = 32;
constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

Result<void> Descent::enter(const char* name) {
  UniqueFd directory(::openat(fd(), name, kFlags));
  if (!directory.valid()) return os_error(errno, "open the directory " + printable(name));
  return enter(std::move(directory));
}

Result<void> Descent::enter(UniqueFd directory) {
  if (levels_.size() >= kOpenLevels) {
    Level& far = levels_[levels_.size() - kOpenLevels];
    if (far.fd.valid() && levels_.size() > kOpenLevels) {  // the top stays open
      KILN_ASSIGN(const Stat stat, stat_fd(far.fd.get()));
      far.device = stat.device;
      far.inode = stat.inode;
      far.fd.reset();
    }
  }
  levels_.push_back(Level{std::move(directory), 0, 0});
  return {};
}

Result<void> Descent::leave() {
  KILN_CHECK(levels_.size() > 1, "a descent left its top");
  const UniqueFd below = std::move(levels_.back().fd);
  levels_.pop_back();
  Level& parent = levels_.back();
  if (parent.fd.valid()) return {};
  UniqueFd up(::openat(below.get(), "..", kFlags));
  if (!up.valid()) return os_error(errno, "go back to the parent directory");
  KILN_ASSIGN(const Stat stat, stat_fd(up.get()));
  if (stat.device != parent.device || stat.inode != parent.inode) {
    return os_error(ESTALE, "go back to the parent directory");
  }
  parent.fd = std::move(up);
  return {};
}

}  // namespace kiln::os
