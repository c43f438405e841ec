#include "daemon/intrinsics/write_plan.h"

#include <string>
#include <utility>

#include "daemon/intrinsics/files/file_ingest.h"
#include "daemon/os/directory.h"
#include "daemon/store/limits.h"

namespace kiln::intrinsics {

namespace {

class Planning {
 public:
  Planning(store::Store& store, FsCounters& counters, const Workspace& workspace, int root_fd)
      : store_(store), counters_(counters), workspace_(workspace), root_fd_(root_fd) {}

  // `exists`: whether the directory does.
  Result<void> add(const store::Tree& tree, const RelPath& directory, bool exists) {
    for (const store::Entry& entry : tree.entries()) {
      const RelPath path = directory.child(entry.name);
      std::optional<os::Stat> there;
      if (exists) {
        KILN_ASSIGN(there, os::stat_beneath(root_fd_, path));
      }
      if (there && note_obstacle(path, entry.node, there->kind)) continue;
      if (!there || !stands(path, entry.node, *there)) {
        steps_.push_back({path, &entry.node, there.has_value()});
      }
      if (const auto* below = std::get_if<store::TreePtr>(&entry.node)) {
        KILN_TRY(add(**below, path, there.has_value()));
      }
    }
    return {};
  }

  Result<void> check_obstacles() const {
    if (obstacles_.empty()) return {};
    return user_error(ErrorCode::kFailedPrecondition, nothing_written(obstacles_));
  }

  // Opens what is to be read, all of it: damage is found where content is opened first.
  Result<void> check_content() const {
    std::vector<std::string> lost;
    for (const WriteStep& step : steps_) {
      const auto* file = std::get_if<store::File>(step.node);
      if (file == nullptr) continue;
      const auto content = store_.blobs().reader(file->digest);
      if (content.ok()) continue;
      if (content.error().code() != ErrorCode::kNotFound) return content.error();
      lost.push_back(printable(step.path.str()) + ": " + content.error().message());
    }
    if (lost.empty()) return {};
    return environment_error(ErrorCode::kNotFound, nothing_written(lost));
  }

  std::vector<WriteStep> take() && { return std::move(steps_); }

 private:
  // Whether what is there would have to be left.
  bool note_obstacle(const RelPath& path, const store::Node& node, os::FileKind there) {
    const bool wants_directory = std::holds_alternative<store::TreePtr>(node);
    const bool has_directory = there == os::FileKind::kDirectory;
    if (wants_directory == has_directory) return false;
    const std::string_view what = has_directory ? " is a directory, a file must be written there"
                                  : there == os::FileKind::kSymlink
                                      ? " is a symlink, a directory must be written there"
                                      : " is not a directory, a directory must be written there";
    obstacles_.push_back(printable(path.str()).append(what));
    return true;
  }

  // Whether the node, and nothing else, is there already; of a directory, itself.
  bool stands(const RelPath& path, const store::Node& node, const os::Stat& there) {
    if (const auto* file = std::get_if<store::File>(&node)) return holds(path, *file, there);
    if (const auto* link = std::get_if<store::Symlink>(&node)) {
      const auto target = os::read_link_beneath(root_fd_, path);
      return target.ok() && *target == link->target;
    }
    return true;
  }

  bool holds(const RelPath& path, const store::File& file, const os::Stat& there) {
    if (there.kind != os::FileKind::kFile || there.size != file.digest.size ||
        there.executable() != file.executable) {
      return false;
    }
    FileIngest ingest(store_, counters_);
    const std::string absolute = workspace_.absolute(path);
    if (const auto known = ingest.known(absolute, there)) return *known == file;
    const auto read = ingest.read(root_fd_, path, absolute, {});
    return read.ok() && read->file == file;
  }

  std::string nothing_written(const std::vector<std::string>& reasons) const {
    std::string message = "nothing was written into " + workspace_.root() + ":";
    for (const std::string& reason : reasons) message += "\n  " + reason;
    return message;
  }

  store::Store& store_;
  FsCounters& counters_;
  const Workspace& workspace_;
  const int root_fd_;
  std::vector<WriteStep> steps_;
  std::vector<std::string> obstacles_;  // one line each
};

}  // namespace

Result<std::vector<WriteStep>> plan_write(store::Store& store, FsCounters& counters,
                                          const Workspace& workspace, int root_fd,
                                          const store::Tree& tree) {
  KILN_TRY(store::check_depth(tree));
  KILN_TRY(store::check_listed(tree));
  Planning planning(store, counters, workspace, root_fd);
  KILN_TRY(planning.add(tree, RelPath(), true));
  KILN_TRY(planning.check_obstacles());
  KILN_TRY(planning.check_content());
  return std::move(planning).take();
}

}  // namespace kiln::intrinsics
