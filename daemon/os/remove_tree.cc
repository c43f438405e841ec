// remove_tree(): walks with the descriptor of one directory and comes back through "..", whose
// identity is checked, so that depth costs neither descriptors nor stack.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/os/directory.h"

namespace kiln::os {

namespace {

class TreeRemover {
 public:
  TreeRemover(int top_fd, const char* name, const std::stop_token& stop)
      : top_fd_(top_fd), top_name_(name), stop_(stop) {}

  Result<void> run() {
    if (::unlinkat(top_fd_, top_name_, 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return failure(errno, top_name_);
    KILN_TRY(enter(top_name_));
    while (!frames_.empty()) {
      if (stop_.stop_requested()) return stopped();
      if (frames_.back().subdirectories.empty()) {
        KILN_TRY(leave());
      } else {
        const std::string next = std::move(frames_.back().subdirectories.back());
        frames_.back().subdirectories.pop_back();
        KILN_TRY(enter(next));
      }
    }
    return {};
  }

 private:
  // A directory that was entered; fd_ is open on the last.
  struct Frame {
    std::string name;
    uint64_t device;
    uint64_t inode;
    std::vector<std::string> subdirectories;  // still to be removed
    int attempts = 0;
  };
  // How often a directory is listed again because somebody still adds to it.
  static constexpr int kMaxAttempts = 100;

  static Error stopped() {
    return user_error(ErrorCode::kCancelled, "the removal of a directory was cancelled");
  }

  int current() const { return frames_.empty() ? top_fd_ : fd_.get(); }

  Error failure(int errno_value, std::string_view name) const {
    std::string path;
    for (const Frame& frame : frames_) path += printable(frame.name) + "/";
    return os_error(errno_value, "remove " + path + printable(name));
  }

  static long open_child(int dir_fd, const char* name, int flags) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    long fd;
    do {
      fd = ::syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
    } while (fd < 0 && errno == EINTR);
    return fd;
  }

  // Gives the owner all rights on a directory that cannot even be opened.
  static void unlock_child(int dir_fd, const char* name) {
    const UniqueFd fd(static_cast<int>(open_child(dir_fd, name, O_PATH)));
    if (!fd.valid()) return;
    // chmod(2) of an O_PATH descriptor; fchmodat(2) by name would follow a symlink put in its
    // place.
    const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
    (void)::chmod(link.c_str(), 0700);
  }

  // Makes `name` the current directory and removes the files in it.
  Result<void> enter(const std::string& name) {
    long opened = open_child(current(), name.c_str(), O_RDONLY);
    if (opened < 0 && errno == EACCES) {
      unlock_child(current(), name.c_str());
      opened = open_child(current(), name.c_str(), O_RDONLY);
    }
    if (opened < 0 && errno == ENOENT) return {};
    if (opened < 0) return failure(errno, name);
    UniqueFd fd(static_cast<int>(opened));
    KILN_ASSIGN(const Stat stat, stat_fd(fd.get()));
    // Where this is refused, so is what follows, and that is reported with its path.
    if ((stat.mode & 0700) != 0700) (void)::fchmod(fd.get(), stat.mode | 0700);
    fd_ = std::move(fd);
    frames_.push_back({name, stat.device, stat.inode, {}});
    return remove_files();
  }

  Result<void> remove_files() {
    Frame& frame = frames_.back();
    auto entries = list_directory(fd_.get());
    if (!entries.ok()) {
      return entries.error().with_context("while removing " + printable(frame.name));
    }
    for (DirEntry& entry : *entries) {
      if (stop_.stop_requested()) return stopped();
      if (entry.kind == FileKind::kDirectory) {
        frame.subdirectories.push_back(std::move(entry.name));
      } else if (::unlinkat(fd_.get(), entry.name.c_str(), 0) != 0 && errno != ENOENT) {
        if (errno != EISDIR) return failure(errno, entry.name);
        frame.subdirectories.push_back(std::move(entry.name));
      }
    }
    return {};
  }

  // Removes the current directory, which is empty now, and makes its parent current.
  Result<void> leave() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    UniqueFd parent;
    if (!frames_.empty()) {
      parent.reset(::openat(fd_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!parent.valid()) return failure(errno, frame.name);
      KILN_ASSIGN(const Stat stat, stat_fd(parent.get()));
      if (stat.device != frames_.back().device || stat.inode != frames_.back().inode) {
        return failure(ESTALE, frame.name);  // somebody moved the directory we were in
      }
    }
    const int parent_fd = frames_.empty() ? top_fd_ : parent.get();
    if (::unlinkat(parent_fd, frame.name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      if (errno != ENOTEMPTY || ++frame.attempts == kMaxAttempts) {
        return failure(errno, frame.name);
      }
      frames_.push_back(std::move(frame));
      return remove_files();
    }
    fd_ = std::move(parent);
    return {};
  }

  const int top_fd_;
  const char* const top_name_;
  const std::stop_token& stop_;
  UniqueFd fd_;
  std::vector<Frame> frames_;
};

}  // namespace

Result<void> remove_tree(int dir_fd, const char* name, const std::stop_token& stop) {
  return TreeRemover(dir_fd, name, stop).run();
}

}  // namespace kiln::os
