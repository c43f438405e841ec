#include "daemon/intrinsics/write_plan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/intrinsics/standing_files.h"
#include "daemon/store/limits.h"

namespace kiln::intrinsics {

namespace {

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

class Planning {
 public:
  Planning(store::Store& store, FsCounters& counters, const Workspace& workspace, int root_fd,
           const WriteTerms& terms)
      : store_(store),
        workspace_(workspace),
        root_fd_(root_fd),
        terms_(terms),
        standing_files_(store, counters, workspace, root_fd) {}

  // `exists`: whether the directory does.
  Result<void> add(const store::Tree& tree, const RelPath& directory, bool exists) {
    for (const store::Entry& entry : tree.entries()) {
      KILN_ASSIGN(const Found found, add_entry(entry.node, directory.child(entry.name), exists));
      const auto* below = std::get_if<store::TreePtr>(&entry.node);
      if (below == nullptr || found == Found::kObstacle) continue;
      KILN_TRY(add(**below, directory.child(entry.name), found == Found::kSomething));
    }
    return {};
  }

  Result<void> check_obstacles() const {
    if (!edited_.empty()) return edited_files(edited_, terms_.tree);
    if (obstacles_.empty()) return {};
    return user_error(ErrorCode::kFailedPrecondition, nothing_written(obstacles_));
  }

  // Opens what is to be read, all of it: damage is found where content is opened first.
  Result<void> check_content() const {
    std::vector<std::string> lost;
    for (const WriteStep& step : plan_.steps) {
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

  WritePlan take() && { return std::move(plan_); }

 private:
  enum class Found : uint8_t { kNothing, kSomething, kObstacle };

  // What stands at the path. `exists`: whether its directory does.
  Result<Found> add_entry(const store::Node& node, RelPath path, bool exists) {
    const store::File* captured = captured_file(path);
    std::optional<os::Stat> there;
    if (exists) {
      KILN_ASSIGN(there, os::stat_beneath(root_fd_, path));
    }
    // The content that was captured at a symlink's path is that of its target, so the target is
    // written, and the link stays.
    if (there && there->kind == os::FileKind::kSymlink && captured != nullptr &&
        std::holds_alternative<store::File>(node)) {
      if (auto target = standing_files_.target_of(path)) {
        path = *std::move(target);
        KILN_ASSIGN(there, os::stat_beneath(root_fd_, path));
      }
    }
    if (there && note_obstacle(path, node, there->kind)) return Found::kObstacle;
    const Found found = there ? Found::kSomething : Found::kNothing;
    if (there && stands(path, node, *there)) {
      if (std::holds_alternative<store::File>(node)) {
        plan_.standing.push_back({path, there->mtime_ns});
      }
      return found;
    }
    const bool is_directory = std::holds_alternative<store::TreePtr>(node);
    const bool guarded =
        !is_directory && (captured != nullptr || (there && terms_.unchanged_since));
    if (guarded && was_edited(path, captured, there)) {
      edited_.push_back(printable(path.str()));
      return found;
    }
    plan_.steps.push_back({std::move(path), &node, there, guarded});
    return found;
  }

  const store::File* captured_file(const RelPath& path) const {
    if (terms_.captured == nullptr) return nullptr;
    const store::Node* node = terms_.captured->find(path);
    return node == nullptr ? nullptr : std::get_if<store::File>(node);
  }

  bool was_edited(const RelPath& path, const store::File* captured,
                  const std::optional<os::Stat>& there) {
    if (captured != nullptr) return !there || !standing_files_.holds(path, *captured, *there);
    if (terms_.own != nullptr) {
      const auto own = terms_.own->find(path);
      if (own != terms_.own->end()) return own->second != *there;
    }
    return there->ctime_ns > *terms_.unchanged_since;
  }

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
    if (const auto* file = std::get_if<store::File>(&node)) {
      return standing_files_.holds(path, *file, there);
    }
    if (const auto* link = std::get_if<store::Symlink>(&node)) {
      const auto target = os::read_link_beneath(root_fd_, path);
      return target.ok() && *target == link->target;
    }
    return true;
  }

  std::string nothing_written(const std::vector<std::string>& reasons) const {
    std::string message = "nothing was written into " + workspace_.root() + ":";
    for (const std::string& reason : reasons) message += "\n  " + reason;
    return message;
  }

  store::Store& store_;
  const Workspace& workspace_;
  const int root_fd_;
  const WriteTerms& terms_;
  StandingFiles standing_files_;
  WritePlan plan_;
  std::vector<std::string> obstacles_;  // one line each
  std::vector<std::string> edited_;     // paths
};

}  // namespace

Result<WritePlan> plan_write(store::Store& store, FsCounters& counters, const Workspace& workspace,
                             int root_fd, const store::Tree& tree, const WriteTerms& terms) {
  KILN_TRY(store::check_depth(tree));
  KILN_TRY(store::check_listed(tree));
  Planning planning(store, counters, workspace, root_fd, terms);
  KILN_TRY(planning.add(tree, RelPath(), true));
  KILN_TRY(planning.check_obstacles());
  KILN_TRY(planning.check_content());
  return std::move(planning).take();
}

int64_t CapturedTimes::time_for_outputs(int64_t captured_at) const {
  // An input may be from the future of this clock.
  const int64_t time = std::max(newest.value_or(captured_at), captured_at);
  return oldest_edit ? std::min(time, *oldest_edit - 1) : time;
}

bool CapturedTimes::mislead(int64_t mtime) const {
  return (newest && mtime < *newest) || (oldest_edit && mtime >= *oldest_edit);
}

CapturedTimes captured_times(store::Store& store, FsCounters& counters, const Workspace& workspace,
                             int root_fd, const WriteTerms& terms) {
  CapturedTimes times;
  if (terms.captured == nullptr) return times;
  StandingFiles files(store, counters, workspace, root_fd);
  // Most files changed last before the request began. The content of the others is compared.
  const auto is_as_captured = [&](const RelPath& path, const store::File& file,
                                  const struct stat& st) {
    if (nanoseconds(st.st_ctim) < terms.captured_at) return true;
    const RelPath target = files.target_of(path).value_or(path);
    const auto there = os::stat_beneath(root_fd, target);
    return there.ok() && *there && files.holds(target, file, **there);
  };
  walk(*terms.captured, RelPath(), [&](const RelPath& path, const store::Node& node) {
    const auto* file = std::get_if<store::File>(&node);
    struct stat st;
    // Only the times are looked at, so where a symlink leads does not matter here.
    if (file == nullptr || ::fstatat(root_fd, path.str().c_str(), &st, 0) != 0) return true;
    const int64_t time = nanoseconds(st.st_mtim);
    if (is_as_captured(path, *file, st)) {
      times.newest = std::max(times.newest.value_or(time), time);
    } else {
      times.oldest_edit = std::min(times.oldest_edit.value_or(time), time);
    }
    return true;
  });
  return times;
}

Error edited_files(const std::vector<std::string>& paths, const Digest& tree) {
  std::string message = "not written, because somebody changed the file after it was read:";
  for (const std::string& path : paths) message += "\n  " + path;
  const std::string digest = to_string(tree);
  return environment_error(ErrorCode::kFailedPrecondition,
                           std::move(message) + "\nWhat was to be written is stored as " + digest +
                               "; `kiln digest cat " + digest + " PATH` prints a file of it");
}

}  // namespace kiln::intrinsics
