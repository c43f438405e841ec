#include "daemon/intrinsics/workspace_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <string>

#include "common/base/file.h"
#include "daemon/intrinsics/write_plan.h"
#include "daemon/os/directory.h"
#include "daemon/store/tree_ops.h"

namespace kiln::intrinsics {

namespace {

timespec timespec_of(int64_t ns) {
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

unsigned with_executable_bits(unsigned mode, bool executable) {
  const bool is_executable = (mode & 0100) != 0;
  if (is_executable == executable) return mode;
  // Who may read may execute, as chmod(1) does with +x under a umask that fits the mode.
  return executable ? mode | ((mode & 0444) >> 2) : mode & ~0111U;
}

// One call's way through its plan.
class Writing {
 public:
  // `time`: what files get; nothing: the time of the write.
  Writing(store::Store& store, FsCounters& counters, std::atomic<uint64_t>& temporaries,
          const Workspace& workspace, int root_fd, const WriteTerms& terms,
          std::optional<int64_t> time)
      : store_(store),
        counters_(counters),
        temporaries_(temporaries),
        workspace_(workspace),
        root_fd_(root_fd),
        terms_(terms),
        time_(time) {}

  Result<void> take(const WriteStep& step) {
    const Result<void> done = put(step);
    if (!done.ok()) {
      return done.error().with_context("while writing " + workspace_.describe(step.path));
    }
    return {};
  }

  // Content that needs no writing may still be older than what it is made from.
  Result<void> renew_time(const StandingFile& file) {
    KILN_ASSIGN(const int dir_fd, open_directory(file.path.parent()));
    const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, timespec_of(*time_)};
    const std::string name(file.path.name());
    if (::utimensat(dir_fd, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0) return {};
    return os_error(errno, "set the time of " + printable(file.path.str()));
  }

  uint64_t written() const { return written_; }

 private:
  Result<void> put(const WriteStep& step) {
    KILN_ASSIGN(const int dir_fd, open_directory(step.path.parent()));
    KILN_TRY(std::visit([&](const auto& node) { return put(node, dir_fd, step); }, *step.node));
    if (terms_.own == nullptr || std::holds_alternative<store::TreePtr>(*step.node)) return {};
    KILN_ASSIGN(const auto there, os::stat_beneath(root_fd_, step.path));
    if (there) (*terms_.own)[step.path] = *there;
    return {};
  }

  // Steps in one directory come together, mostly.
  Result<int> open_directory(const RelPath& path) {
    if (!directory_fd_.valid() || directory_ != path) {
      KILN_ASSIGN(directory_fd_, os::open_beneath(root_fd_, path, O_RDONLY | O_DIRECTORY));
      directory_ = path;
    }
    return directory_fd_.get();
  }

  Result<void> put(const store::TreePtr&, int dir_fd, const WriteStep& step) {
    const std::string name(step.path.name());
    const unsigned mode = 0777 & ~terms_.umask;
    if (::mkdirat(dir_fd, name.c_str(), mode) != 0) {
      if (errno == EEXIST) return {};
      return os_error(errno, "make directory " + printable(step.path.str()));
    }
    // The daemon has a umask, too. The bit that hands on the group comes from the parent.
    const UniqueFd made(
        ::openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat st;
    if (!made.valid() || ::fstat(made.get(), &st) != 0 ||
        ::fchmod(made.get(), mode | (st.st_mode & S_ISGID)) != 0) {
      return os_error(errno, "set the mode of " + printable(step.path.str()));
    }
    return {};
  }

  Result<void> put(const store::Symlink& link, int dir_fd, const WriteStep& step) {
    const std::string beside = temporary_name();
    if (::symlinkat(link.target.c_str(), dir_fd, beside.c_str()) != 0) {
      return os_error(errno, "make a symlink beside " + printable(step.path.str()));
    }
    return move_into_place(dir_fd, beside, step);
  }

  Result<void> put(const store::File& file, int dir_fd, const WriteStep& step) {
    const std::string name(step.path.name());
    const std::string shown = printable(step.path.str());
    // Nobody else may open it before it has its owner and mode.
    // An unnamed file leaves nothing behind if the daemon dies, and tells no watcher.
    UniqueFd fd(::openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    std::string beside;
    if (!fd.valid()) {
      beside = temporary_name();
      fd.reset(::openat(dir_fd, beside.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
      if (!fd.valid()) return os_error(errno, "make a file beside " + shown);
    }
    auto filled = fill(fd.get(), file, step);
    if (filled.ok()) filled = dress(fd.get(), file, dir_fd, step);
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
    return move_into_place(dir_fd, beside, step);
  }

  Result<void> fill(int fd, const store::File& file, const WriteStep& step) {
    return store_.files().copy_into(file.digest, fd, step.path.str().c_str(), {});
  }

  // Owner, mode and time.
  Result<void> dress(int fd, const store::File& file, int dir_fd, const WriteStep& step) {
    unsigned mode = (file.executable ? 0777U : 0666U) & ~terms_.umask;
    struct stat old;
    if (step.there &&
        ::fstatat(dir_fd, std::string(step.path.name()).c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(old.st_mode)) {
      mode = with_executable_bits(old.st_mode & 0777, file.executable);
      if (!keep_owner(fd, old)) mode = (mode & ~070U) | ((mode & 07) << 3);
    }
    if (::fchmod(fd, mode) != 0) {
      return os_error(errno, "set the mode of " + printable(step.path.str()));
    }
    if (!time_) return {};
    const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, timespec_of(*time_)};
    if (::futimens(fd, times.data()) == 0) return {};
    return os_error(errno, "set the time of " + printable(step.path.str()));
  }

  // False if the group is another one now: then it gets no more than everybody does.
  static bool keep_owner(int fd, const struct stat& old) {
    struct stat st;
    if (::fstat(fd, &st) != 0) return false;
    if (st.st_uid == old.st_uid && st.st_gid == old.st_gid) return true;
    return ::fchown(fd, old.st_uid, old.st_gid) == 0 || st.st_gid == old.st_gid ||
           ::fchown(fd, static_cast<uid_t>(-1), old.st_gid) == 0;
  }

  Result<void> move_into_place(int dir_fd, const std::string& beside, const WriteStep& step) {
    const std::string name(step.path.name());
    if (const auto edited = was_edited(step)) {
      ::unlinkat(dir_fd, beside.c_str(), 0);
      return *edited;
    }
    if (::renameat(dir_fd, beside.c_str(), dir_fd, name.c_str()) == 0) return count();
    const int error = errno;
    ::unlinkat(dir_fd, beside.c_str(), 0);
    return os_error(error, "replace " + printable(name));
  }

  // Between the plan and now.
  std::optional<Error> was_edited(const WriteStep& step) const {
    if (!step.guarded) return std::nullopt;
    const auto now = os::stat_beneath(root_fd_, step.path);
    if (!now.ok()) return now.error();
    if (*now == step.there) return std::nullopt;
    return edited_files({printable(step.path.str())}, terms_.tree);
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
  const WriteTerms& terms_;
  const std::optional<int64_t> time_;
  RelPath directory_;  // of directory_fd_
  UniqueFd directory_fd_;
  uint64_t written_ = 0;
};

}  // namespace

Result<uint64_t> WorkspaceWriter::write(const Workspace& workspace, const store::TreePtr& tree,
                                        const RelPath& prefix, WriteTerms terms) {
  terms.tree = tree->digest();
  // Not the descriptor that leaves read by: that may be of a root which was moved away since.
  KILN_ASSIGN(const UniqueFd root, open_file(workspace.root(), O_RDONLY | O_DIRECTORY)
                                       .with_context("as the workspace to write into"));
  // A prefix is written like any directory of the tree, so that it is checked like one.
  const store::TreePtr whole = store::add_prefix(tree, prefix);
  KILN_ASSIGN(const WritePlan plan,
              plan_write(store_, counters_, workspace, root.get(), *whole, terms));
  // Before anything is written: an output may be an input as well.
  const CapturedTimes times = captured_times(store_, counters_, workspace, root.get(), terms);
  std::optional<int64_t> time;
  if (times.newest || times.oldest_edit) time = times.time_for_outputs(terms.captured_at);
  Writing writing(store_, counters_, temporaries_, workspace, root.get(), terms, time);
  for (const WriteStep& step : plan.steps) KILN_TRY(writing.take(step));
  for (const StandingFile& file : plan.standing) {
    if (times.mislead(file.mtime_ns)) KILN_TRY(writing.renew_time(file));
  }
  return writing.written();
}

int64_t file_clock_now() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace kiln::intrinsics
