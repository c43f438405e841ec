#include "daemon/intrinsics/workspace_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/base/file.h"
#include "daemon/intrinsics/write_plan.h"
#include "daemon/os/directory.h"
#include "daemon/store/tree_ops.h"

namespace kiln::intrinsics {

namespace {

// One call's way through its plan.
class Writing {
 public:
  Writing(store::Store& store, FsCounters& counters, std::atomic<uint64_t>& temporaries,
          const Workspace& workspace, int root_fd)
      : store_(store),
        counters_(counters),
        temporaries_(temporaries),
        workspace_(workspace),
        root_fd_(root_fd) {}

  Result<void> take(const WriteStep& step) {
    const Result<void> done = put(step);
    if (!done.ok()) {
      return done.error().with_context("while writing " + workspace_.describe(step.path));
    }
    return {};
  }

  uint64_t written() const { return written_; }

 private:
  Result<void> put(const WriteStep& step) {
    KILN_ASSIGN(const int dir_fd, open_directory(step.path.parent()));
    return std::visit([&](const auto& node) { return put(node, dir_fd, step); }, *step.node);
  }

  // Steps in one directory come together, mostly.
  Result<int> open_directory(const RelPath& path) {
    if (!directory_fd_.valid() || directory_ != path) {
      KILN_ASSIGN(directory_fd_, os::open_beneath(root_fd_, path, O_RDONLY | O_DIRECTORY));
      directory_ = path;
    }
    return directory_fd_.get();
  }

  static Result<void> put(const store::TreePtr&, int dir_fd, const WriteStep& step) {
    const std::string name(step.path.name());
    if (::mkdirat(dir_fd, name.c_str(), 0755) != 0 && errno != EEXIST) {
      return os_error(errno, "make directory " + printable(step.path.str()));
    }
    return {};
  }

  Result<void> put(const store::Symlink& link, int dir_fd, const WriteStep& step) {
    const std::string beside = temporary_name();
    if (::symlinkat(link.target.c_str(), dir_fd, beside.c_str()) != 0) {
      return os_error(errno, "make a symlink beside " + printable(step.path.str()));
    }
    return move_into_place(dir_fd, beside, std::string(step.path.name()));
  }

  Result<void> put(const store::File& file, int dir_fd, const WriteStep& step) {
    const std::string name(step.path.name());
    const std::string shown = printable(step.path.str());
    const unsigned mode = file.executable ? 0755 : 0644;
    // An unnamed file leaves nothing behind if the daemon dies, and tells no watcher.
    UniqueFd fd(::openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
    std::string beside;
    if (!fd.valid()) {
      beside = temporary_name();
      fd.reset(::openat(dir_fd, beside.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
      if (!fd.valid()) return os_error(errno, "make a file beside " + shown);
    }
    auto filled = fill(fd.get(), file, mode, step.path);
    if (!filled.ok()) {
      if (!beside.empty()) ::unlinkat(dir_fd, beside.c_str(), 0);
      return filled;
    }
    if (beside.empty()) {
      const std::string self = "/proc/self/fd/" + std::to_string(fd.get());
      if (!step.there) {
        if (::linkat(AT_FDCWD, self.c_str(), dir_fd, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
          return count();
        }
        if (errno != EEXIST) return os_error(errno, "write " + shown);
      }
      beside = temporary_name();
      if (::linkat(AT_FDCWD, self.c_str(), dir_fd, beside.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        return os_error(errno, "make a file beside " + shown);
      }
    }
    return move_into_place(dir_fd, beside, name);
  }

  Result<void> fill(int fd, const store::File& file, unsigned mode, const RelPath& path) {
    KILN_TRY(store_.files().copy_into(file.digest, fd, path.str().c_str(), {}));
    if (::fchmod(fd, mode) != 0) return os_error(errno, "set the mode of " + printable(path.str()));
    return {};
  }

  Result<void> move_into_place(int dir_fd, const std::string& beside, const std::string& name) {
    if (::renameat(dir_fd, beside.c_str(), dir_fd, name.c_str()) == 0) return count();
    const int error = errno;
    ::unlinkat(dir_fd, beside.c_str(), 0);
    return os_error(error, "replace " + printable(name));
  }

  Result<void> count() {
    ++written_;
    counters_.files_written.add();
    return {};
  }

  std::string temporary_name() {
    return ".kiln-" + std::to_string(::getpid()) + "-" + std::to_string(temporaries_.fetch_add(1));
  }

  store::Store& store_;
  FsCounters& counters_;
  std::atomic<uint64_t>& temporaries_;
  const Workspace& workspace_;
  const int root_fd_;
  RelPath directory_;  // of directory_fd_
  UniqueFd directory_fd_;
  uint64_t written_ = 0;
};

}  // namespace

Result<uint64_t> WorkspaceWriter::write(const Workspace& workspace, const store::TreePtr& tree,
                                        const RelPath& prefix) {
  // Not the descriptor that leaves read by: that may be of a root which was moved away since.
  KILN_ASSIGN(const UniqueFd root, open_file(workspace.root(), O_RDONLY | O_DIRECTORY)
                                       .with_context("as the workspace to write into"));
  // A prefix is written like any directory of the tree, so that it is checked like one.
  const store::TreePtr whole = store::add_prefix(tree, prefix);
  KILN_ASSIGN(const auto steps, plan_write(store_, counters_, workspace, root.get(), *whole));
  Writing writing(store_, counters_, temporaries_, workspace, root.get());
  for (const WriteStep& step : steps) KILN_TRY(writing.take(step));
  return writing.written();
}

}  // namespace kiln::intrinsics
