// The leaves of the graph: what the workspace holds, read through watches.
//
// Every leaf first makes the watch of its directory a dependency (watch before read), so that a
// directory that was replaced, and everything that was read in it, runs again. What is absent is a
// value too, and its coming is told. Values are what dependents can tell apart and nothing more, so
// that a touch changes nothing but metadata.
// Threads: functions are immutable and thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/types/rel_path.h"
#include "daemon/async/executor.h"
#include "daemon/graph/function.h"
#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/change_router.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/intrinsics/files/remote_lanes.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/os/directory.h"
#include "daemon/store/stores.h"
#include "daemon/watch/watcher.h"

namespace kiln::intrinsics {

// The input of every leaf.
struct PathInput {
  WorkspaceRef workspace;
  RelPath path;
  friend bool operator==(const PathInput&, const PathInput&) = default;
};
inline size_t footprint(const PathInput& input) { return heap_bytes(input.path); }

// The watch of a directory; differs whenever what was read under it is void.
struct DirectoryWatch {
  // Where there is no such directory: without an id, and active if its coming would be told.
  watch::Watch watch;
  bool exists = true;
  // Whether the daemon may list the directory, and go through it: a change of that changes what can
  // be read in it and below.
  bool readable = false;
  bool searchable = false;
  uint64_t overflow = 0;  // queue overflows so far: after one, everything is looked at again
  uint64_t polls = 0;     // of a directory without a watch: after a poll, too
  friend bool operator==(const DirectoryWatch&, const DirectoryWatch&) = default;
};

struct DirectoryListing {
  std::vector<os::DirEntry> entries;  // sorted by name
  const os::DirEntry* find(std::string_view name) const;
  friend bool operator==(const DirectoryListing&, const DirectoryListing&) = default;
};
size_t footprint(const DirectoryListing& listing);

// A regular file with its content in the store; nothing if there is none.
struct FileState {
  std::optional<store::File> file;
  friend bool operator==(const FileState&, const FileState&) = default;
};

// What stands at a path, of whatever kind; a symlink is not followed.
struct PathMetadata {
  os::FileKind kind = os::FileKind::kOther;
  uint32_t mode = 0;  // permission bits
  uint64_t device = 0;
  uint64_t inode = 0;
  // Zero for directories: these follow from the entries, and nothing tells of a change to them in
  // the place where the directory stands. Ask for a listing instead.
  int64_t length = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  std::string target;  // of a symlink
  // Zero if equal metadata means equal content. Another number at each look while the file is so
  // young that it may change within its timestamps.
  uint64_t unsettled = 0;
  friend bool operator==(const PathMetadata&, const PathMetadata&) = default;
};

struct MetadataState {
  std::optional<PathMetadata> metadata;  // nothing if nothing is there
  friend bool operator==(const MetadataState&, const MetadataState&) = default;
};
size_t footprint(const MetadataState& state);

// What the leaves work with. Everything outlives the graph.
struct FsServices {
  watch::Watcher& watcher;
  store::Store& store;
  Executor& home;      // the graph's executor
  Executor& blocking;  // for what takes long to read
  FsCounters& counters;
  ChangeRouter& router;
};

// Keys of the leaves, and the functions behind them.
class FsFunctions {
 public:
  explicit FsFunctions(const FsServices& services);
  ~FsFunctions();

  graph::Key watch(const Workspace& workspace, const RelPath& directory) const;
  graph::Key listing(const Workspace& workspace, const RelPath& directory) const;
  graph::Key file(const Workspace& workspace, const RelPath& path) const;
  graph::Key metadata(const Workspace& workspace, const RelPath& path) const;

  // The content of a file that was captured, for `reader`, which asked for its node. If the store
  // has lost it, the file is captured again and `reader` runs again.
  Task<Result<std::string>> content(const graph::Context& reader, FileDigest digest) const;

  // Where they touch what is served elsewhere.
  RemoteLanes& lanes() const { return *lanes_; }

  // Their hashes alone, for invalidation.
  static Hash128 watch_hash(const Workspace& workspace, const RelPath& directory);
  static Hash128 listing_hash(const Workspace& workspace, const RelPath& directory);
  static Hash128 file_hash(const Workspace& workspace, const RelPath& path);
  static Hash128 metadata_hash(const Workspace& workspace, const RelPath& path);

 private:
  const FsServices services_;
  const std::unique_ptr<RemoteLanes> lanes_;
  std::unique_ptr<graph::Function> watch_;
  std::unique_ptr<graph::Function> listing_;
  std::unique_ptr<graph::Function> file_;
  std::unique_ptr<graph::Function> metadata_;
};

}  // namespace kiln::intrinsics
