// Workspace: one root directory below which paths are nodes. Workspaces: those that a daemon knows:
// what requests refer to, and the host.
//
// Owns:    a descriptor of the root, only while a run uses the workspace: an idle daemon keeps no
//          file system from being unmounted.
// Threads: thread-safe. Whatever refers to a workspace (a run, a node of the graph) shares it, so
//          that one to which nothing refers any more can be dropped.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "common/base/unique_fd.h"
#include "common/types/rel_path.h"

namespace kiln::intrinsics {

class Workspace : public boost::intrusive_ref_counter<Workspace, boost::thread_safe_counter> {
 public:
  explicit Workspace(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }  // absolute, no trailing slash but "/" itself
  // No path leaves it.
  bool is_whole() const { return root_ == "/"; }
  std::string absolute(const RelPath& path) const;
  // "src/a.cc in /home/me/project", or the root alone.
  std::string describe(const RelPath& path) const;

  // While at least one user is registered, the root stays open once it was opened.
  void begin_use() const;
  void end_use() const;

  // The directory at the root's path. kNotFound when it is gone.
  Result<std::shared_ptr<const UniqueFd>> root_fd() const;
  // As root_fd(), and in_place() is about that directory from now on.
  Result<void> reopen() const;
  // Whether the path still leads to the directory of the last reopen(). inotify does not tell of a
  // rename or a mount above the root.
  bool in_place() const;
  // Whether the root is there; notes it.
  Result<void> check() const;

  // Where the root lies, with the symlinks on the way resolved: by this it is told which file
  // system a path is on. root() until it is set.
  void set_located(std::string root) const;
  std::string located(const RelPath& path) const;

  // The root was found missing, or was found again.
  void set_missing(bool missing) const {
    presence_.store(missing ? Presence::kMissing : Presence::kThere);
  }
  bool is_missing() const { return presence_.load() == Presence::kMissing; }
  // It was found, and not found missing since.
  bool is_there() const { return presence_.load() == Presence::kThere; }

  // Something below was read whose changes nobody tells of: a directory without a watch, a file
  // with several names, a file that is open for writing.
  void note_untold(bool directory) const;
  // How many times that happened; the second counts directories alone.
  uint64_t untold() const { return untold_.load(); }
  uint64_t untold_directories() const { return untold_directories_.load(); }

 private:
  enum class Presence : uint8_t { kUnknown, kThere, kMissing };
  // What tells one directory from another that took its place, also if the second got the inode
  // number of the first.
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    uint64_t mount = 0;
    int64_t birth_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct State {
    size_t users = 0;
    std::shared_ptr<const UniqueFd> root;  // null without users
    std::optional<Identity> identity;      // of the last reopen()
    std::string located;                   // empty: as root_
  };
  static std::optional<Identity> identity_of(int dir_fd, const char* path, int flags);
  Result<UniqueFd> open_root() const;

  const std::string root_;
  mutable std::atomic<Presence> presence_{Presence::kUnknown};
  mutable std::atomic<uint64_t> untold_{0};
  mutable std::atomic<uint64_t> untold_directories_{0};
  mutable Synchronized<State> state_;
};

using WorkspaceRef = boost::intrusive_ptr<const Workspace>;

class Workspaces {
 public:
  Workspaces() : host_(new Workspace("/")) {}

  // The whole machine, as a tree whose paths are nodes too: where tools are. Never captured.
  const Workspace& host() const { return *host_; }
  // The workspace with this root, made at first sight. Refuses what is not an absolute path.
  Result<WorkspaceRef> open(std::string_view root);
  // Those that contain `absolute_directory`, outermost last, with its path in them; the host is the
  // first. Costs what the path is deep, however many workspaces there are.
  std::vector<std::pair<WorkspaceRef, RelPath>> containing(
      std::string_view absolute_directory) const;
  // Those that something refers to or whose root was found, by root.
  std::vector<WorkspaceRef> all() const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view root) const { return std::hash<std::string_view>()(root); }
  };
  using ByRoot = std::unordered_map<std::string, WorkspaceRef, Hash, std::equal_to<>>;
  struct State {
    ByRoot by_root;
    size_t trim_at = kFirstTrim;
  };
  static constexpr size_t kFirstTrim = 64;
  // Drops those to which nothing else refers, but for those whose root is there if `keeps_found`.
  // Nobody gets a reference meanwhile: that takes the lock.
  static void trim(State& state, bool keeps_found);

  const WorkspaceRef host_;
  mutable Synchronized<State> state_;
};

}  // namespace kiln::intrinsics
