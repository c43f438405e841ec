#include "daemon/intrinsics/workspace_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "daemon/intrinsics/files/file_ingest.h"
#include "daemon/os/directory.h"
#include "daemon/store/tree_ops.h"

namespace kiln::intrinsics {

namespace {

constexpr size_t kChunk = size_t{1} << 20;

// One call's walk over the tree.
class Writing {
 public:
  Writing(store::Store& store, FsCounters& counters, std::atomic<uint64_t>& temporaries,
          const Workspace& workspace, int root_fd)
      : store_(store),
        counters_(counters),
        temporaries_(temporaries),
        workspace_(workspace),
        root_fd_(root_fd) {}

  // Everything that stands in the way, one line each.
  Result<void> check(const store::Tree& tree, const RelPath& prefix,
                     std::vector<std::string>& in_the_way) {
    for (const store::Entry& entry : tree.entries()) {
      const RelPath path = prefix.child(entry.name);
      KILN_ASSIGN(const auto there, os::stat_beneath(root_fd_, path));
      if (!there) continue;  // nor is there anything below
      const auto* below = std::get_if<store::TreePtr>(&entry.node);
      const bool wants_directory = below != nullptr;
      if (wants_directory && there->kind != os::FileKind::kDirectory) {
        in_the_way.push_back(
            printable(path.str()) +
            (there->kind == os::FileKind::kSymlink ? " is a symlink" : " is not a directory") +
            ", a directory must be written there");
      } else if (!wants_directory && there->kind == os::FileKind::kDirectory) {
        in_the_way.push_back(printable(path.str()) +
                             " is a directory, a file must be written there");
      } else if (wants_directory) {
        KILN_TRY(check(**below, path, in_the_way));
      }
    }
    return {};
  }

  Result<void> write(const store::Tree& tree, int dir_fd, const RelPath& prefix) {
    for (const store::Entry& entry : tree.entries()) {
      const RelPath path = prefix.child(entry.name);
      auto done = std::visit([&](const auto& node) { return put(node, dir_fd, path); }, entry.node);
      if (!done.ok())
        return done.error().with_context("while writing " + workspace_.describe(path));
    }
    return {};
  }

  uint64_t written() const { return written_; }

 private:
  Result<void> put(const store::TreePtr& tree, int dir_fd, const RelPath& path) {
    const std::string name(path.name());
    if (::mkdirat(dir_fd, name.c_str(), 0755) != 0 && errno != EEXIST) {
      return os_error(errno, "make directory " + printable(path.str()));
    }
    KILN_ASSIGN(const UniqueFd fd,
                os::open_beneath(dir_fd, RelPath::from_normalized(name), O_RDONLY | O_DIRECTORY));
    return write(*tree, fd.get(), path);
  }

  Result<void> put(const store::Symlink& link, int dir_fd, const RelPath& path) {
    const RelPath name = RelPath::from_normalized(std::string(path.name()));
    auto there = os::read_link_beneath(dir_fd, name);
    if (there.ok() && *there == link.target) return {};
    const std::string beside = temporary_name();
    if (::symlinkat(link.target.c_str(), dir_fd, beside.c_str()) != 0) {
      return os_error(errno, "make a symlink beside " + printable(path.str()));
    }
    return move_into_place(dir_fd, beside, name.str());
  }

  Result<void> put(const store::File& file, int dir_fd, const RelPath& path) {
    const std::string name(path.name());
    KILN_ASSIGN(const auto there, os::stat_beneath(dir_fd, RelPath::from_normalized(name)));
    if (there && holds(*there, file, dir_fd, path)) return {};
    const unsigned mode = file.executable ? 0755 : 0644;
    // An unnamed file leaves nothing behind if the daemon dies, and tells no watcher.
    UniqueFd fd(::openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
    std::string beside;
    if (!fd.valid()) {
      beside = temporary_name();
      fd.reset(::openat(dir_fd, beside.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
      if (!fd.valid()) return os_error(errno, "make a file beside " + printable(path.str()));
    }
    auto filled = fill(fd.get(), file, mode, path);
    if (!filled.ok()) {
      if (!beside.empty()) ::unlinkat(dir_fd, beside.c_str(), 0);
      return filled;
    }
    if (beside.empty()) {
      const std::string self = "/proc/self/fd/" + std::to_string(fd.get());
      if (!there) {
        if (::linkat(AT_FDCWD, self.c_str(), dir_fd, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
          return count();
        }
        if (errno != EEXIST) return os_error(errno, "write " + printable(path.str()));
      }
      beside = temporary_name();
      if (::linkat(AT_FDCWD, self.c_str(), dir_fd, beside.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        return os_error(errno, "make a file beside " + printable(path.str()));
      }
    }
    return move_into_place(dir_fd, beside, name);
  }

  Result<void> fill(int fd, const store::File& file, unsigned mode, const RelPath& path) {
    KILN_ASSIGN(const auto reader, store_.blobs().reader(file.digest));
    for (;;) {
      KILN_ASSIGN(const std::string bytes, reader->next(kChunk));
      if (bytes.empty()) break;
      KILN_TRY(write_all(fd, bytes, path.str()));
    }
    if (::fchmod(fd, mode) != 0) return os_error(errno, "set the mode of " + printable(path.str()));
    return {};
  }

  // Whether the file there has this content and mode already.
  bool holds(const os::Stat& there, const store::File& file, int dir_fd, const RelPath& path) {
    if (there.kind != os::FileKind::kFile || there.size != file.digest.size ||
        there.executable() != file.executable) {
      return false;
    }
    FileIngest ingest(store_, counters_);
    const std::string absolute = workspace_.absolute(path);
    if (const auto known = ingest.known(absolute, there)) return *known == file;
    auto read =
        ingest.read(dir_fd, RelPath::from_normalized(std::string(path.name())), absolute, {});
    return read.ok() && read->file == file;
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
  Writing writing(store_, counters_, temporaries_, workspace, root.get());
  std::vector<std::string> in_the_way;
  KILN_TRY(writing.check(*whole, RelPath(), in_the_way));
  if (!in_the_way.empty()) {
    std::string message = "nothing was written into " + workspace.root() + ":";
    for (const std::string& line : in_the_way) message += "\n  " + line;
    return user_error(ErrorCode::kFailedPrecondition, std::move(message));
  }
  KILN_TRY(writing.write(*whole, root.get(), RelPath()));
  return writing.written();
}

}  // namespace kiln::intrinsics
