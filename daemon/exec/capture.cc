#include "daemon/exec/capture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "daemon/os/descent.h"
#include "daemon/os/directory.h"
#include "daemon/store/limits.h"
#include "daemon/store/new_file.h"
#include "daemon/store/tree_ops.h"

namespace kiln::exec {
namespace {

class Capturer {
 public:
  Capturer(int working_directory_fd, store::BlobFiles& files, const std::stop_token& stop)
      : root_fd_(working_directory_fd), files_(files), stop_(stop) {}

  Result<void> directory(const RelPath& path) {
    if (is_captured(path)) return {};
    KILN_ASSIGN(const auto stat, look(path));
    if (!stat || stat->kind != os::FileKind::kDirectory) {
      miss(path, stat, "directory");
      return {};
    }
    KILN_ASSIGN(UniqueFd fd, os::open_beneath(root_fd_, path, O_RDONLY | O_DIRECTORY));
    KILN_ASSIGN(const store::TreePtr tree, contents(std::move(fd), path));
    directories_.push_back(path);
    trees_.push_back(store::add_prefix(tree, path));
    return {};
  }

  Result<void> file(const RelPath& path) {
    if (is_captured(path)) {
      const bool found = std::any_of(trees_.begin(), trees_.end(), [&](const auto& tree) {
        const store::Node* node = tree->find(path);
        return node != nullptr && !std::holds_alternative<store::TreePtr>(*node);
      });
      if (!found) missing_.push_back({path, "was not made"});
      return {};
    }
    KILN_ASSIGN(const auto stat, look(path));
    if (!stat || stat->kind == os::FileKind::kDirectory || stat->kind == os::FileKind::kOther) {
      miss(path, stat, "file");
      return {};
    }
    KILN_ASSIGN(const UniqueFd parent,
                os::open_beneath(root_fd_, path.parent(), O_RDONLY | O_DIRECTORY));
    const std::string name(path.name());
    KILN_ASSIGN(store::Node node, leaf(parent.get(), name, *stat, path));
    trees_.push_back(
        store::add_prefix(store::Tree::make({store::Entry{name, std::move(node)}}), path.parent()));
    return {};
  }

  Result<Capture> finish() && {
    std::sort(missing_.begin(), missing_.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    // They agree where they overlap: all come from one place.
    KILN_ASSIGN(store::TreePtr tree, store::merge(trees_, [](const FileDigest&) {
                  return std::optional<std::string>();
                }));
    return Capture{.tree = std::move(tree), .missing = std::move(missing_)};
  }

 private:
  bool is_captured(const RelPath& path) const {
    return std::any_of(directories_.begin(), directories_.end(),
                       [&](const RelPath& directory) { return path.is_within(directory); });
  }

  // Nothing for what is missing, or behind a symlink.
  Result<std::optional<os::Stat>> look(const RelPath& path) {
    auto stat = os::stat_beneath(root_fd_, path);
    if (!stat.ok() && stat.error().code() == ErrorCode::kFailedPrecondition) {
      return std::optional<os::Stat>();
    }
    return stat;
  }

  void miss(const RelPath& path, const std::optional<os::Stat>& stat, std::string_view wanted) {
    if (!stat) {
      missing_.push_back({path, "was not made, or stands behind a symlink"});
      return;
    }
    std::string_view kind = "special file";
    if (stat->kind == os::FileKind::kDirectory) kind = "directory";
    if (stat->kind == os::FileKind::kFile) kind = "file";
    if (stat->kind == os::FileKind::kSymlink) kind = "symlink";
    missing_.push_back({path, "is a " + std::string(kind) + ", not a " + std::string(wanted)});
  }

  // A directory that is being captured.
  struct Level {
    RelPath path;
    std::vector<store::Entry> entries;
    std::vector<std::string> subdirectories;  // still to be captured
  };

  Result<store::TreePtr> contents(UniqueFd fd, const RelPath& path) {
    os::Descent descent(std::move(fd));
    // Of directories between the root of the output tree and this one, which counts.
    const size_t above =
        path.is_root() ? 0 : 1 + static_cast<size_t>(std::ranges::count(path.str(), '/'));
    std::vector<Level> levels;
    KILN_ASSIGN(Level top, open_level(descent.fd(), path));
    levels.push_back(std::move(top));
    for (;;) {
      Level& level = levels.back();
      if (!level.subdirectories.empty()) {
        const std::string name = std::move(level.subdirectories.back());
        level.subdirectories.pop_back();
        if (above + descent.depth() >= store::kMaxTreeDepth) return too_deep(path);
        const RelPath below = level.path.child(name);
        KILN_TRY(
            descent.enter(name.c_str()).with_context("while capturing the output " + shown(below)));
        KILN_ASSIGN(Level next, open_level(descent.fd(), below));
        levels.push_back(std::move(next));
        continue;
      }
      store::TreePtr tree = store::Tree::make(std::move(level.entries));
      std::string name(level.path.name());
      levels.pop_back();
      if (levels.empty()) return tree;
      KILN_TRY(descent.leave());
      levels.back().entries.push_back({std::move(name), std::move(tree)});
    }
  }

  // Captures the files and symlinks of a directory, and lists its subdirectories.
  Result<Level> open_level(int fd, const RelPath& path) {
    Level level{.path = path, .entries = {}, .subdirectories = {}};
    KILN_ASSIGN(std::vector<os::DirEntry> listed, os::list_directory(fd));
    for (os::DirEntry& entry : listed) {
      if (stop_.stop_requested()) return store::stopped();
      if (!is_valid_utf8(entry.name)) {
        return user_error(ErrorCode::kInvalidArgument,
                          "the process made '" + printable(entry.name) + "' in its output '" +
                              shown(path) + "', a name that is not valid UTF-8");
      }
      if (entry.kind == os::FileKind::kDirectory) {
        level.subdirectories.push_back(std::move(entry.name));
        continue;
      }
      if (entry.kind == os::FileKind::kOther) continue;
      KILN_ASSIGN(const auto stat, os::stat_beneath(fd, RelPath::from_normalized(entry.name)));
      if (!stat) continue;
      KILN_ASSIGN(store::Node node, leaf(fd, entry.name, *stat, path.child(entry.name)));
      level.entries.push_back({std::move(entry.name), std::move(node)});
    }
    return level;
  }

  static Error too_deep(const RelPath& output) {
    return user_error(ErrorCode::kInvalidArgument,
                      "the process made directories in its output '" + shown(output) +
                          "' that are nested deeper than " + std::to_string(store::kMaxTreeDepth) +
                          " levels, which is the most that kiln stores");
  }

  // A path for a message: whole if it is short.
  static std::string shown(const RelPath& path) {
    constexpr size_t kMost = 200;
    if (path.str().size() <= kMost) return path.str();
    return path.str().substr(0, kMost) + "…";
  }

  // A file or a symlink.
  Result<store::Node> leaf(int dir_fd, const std::string& name, const os::Stat& stat,
                           const RelPath& path) {
    if (stat.kind == os::FileKind::kSymlink) {
      KILN_ASSIGN(std::string target,
                  os::read_link_beneath(dir_fd, RelPath::from_normalized(name)));
      if (!is_valid_utf8(target)) {
        return user_error(ErrorCode::kInvalidArgument,
                          "the process made the symlink '" + path.str() + "' to '" +
                              printable(target) + "', which is not valid UTF-8");
      }
      return store::Symlink{std::move(target)};
    }
    auto digest = files_.adopt(dir_fd, name.c_str(), stop_);
    if (!digest.ok()) {
      return digest.error().with_context("while capturing the output " + shown(path));
    }
    return store::File{*digest, stat.executable()};
  }

  const int root_fd_;
  store::BlobFiles& files_;
  const std::stop_token& stop_;
  std::vector<RelPath> directories_;
  std::vector<store::TreePtr> trees_;
  std::vector<MissingOutput> missing_;
};

}  // namespace

Result<Capture> capture_outputs(int sandbox_fd, const Process& process, store::BlobFiles& files,
                                const std::stop_token& stop) {
  if (process.output_files.empty() && process.output_directories.empty()) {
    return Capture{.tree = store::Tree::empty(), .missing = {}};
  }
  auto working_directory =
      os::open_beneath(sandbox_fd, process.working_directory, O_RDONLY | O_DIRECTORY);
  if (!working_directory.ok()) {
    Capture nothing{.tree = store::Tree::empty(), .missing = {}};
    for (const auto* outputs : {&process.output_directories, &process.output_files}) {
      for (const RelPath& path : *outputs) {
        nothing.missing.push_back({path, "is gone: the process removed its working directory"});
      }
    }
    return nothing;
  }
  Capturer capturer(working_directory->get(), files, stop);
  for (const RelPath& path : process.output_directories) KILN_TRY(capturer.directory(path));
  for (const RelPath& path : process.output_files) KILN_TRY(capturer.file(path));
  return std::move(capturer).finish();
}

}  // namespace kiln::exec
