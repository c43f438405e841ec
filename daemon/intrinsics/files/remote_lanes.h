// RemoteLanes: where files are touched that another machine or a program serves (NFS, SMB, FUSE).
//
// Such a file system may not answer, for ever, and whatever touches it waits as long. So that is
// done on threads of its own, a few for each mount: a server that is down stops those who use it,
// and nobody else.
// Threads: thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/sync.h"
#include "daemon/async/executor.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/os/mounts.h"

namespace kiln::intrinsics {

class RemoteLanes {
 public:
  // What is mounted is known after the first refresh().
  RemoteLanes();

  // Learns what is mounted now, and where the root of the workspace lies. Touches no file system
  // that is served elsewhere. What a request begins with.
  void refresh(const Workspace& workspace);
  // Where `path` is touched; null: wherever the caller is.
  Executor* of(const Workspace& workspace, const RelPath& path) {
    return any_.load(std::memory_order_relaxed) ? of(workspace.located(path)) : nullptr;
  }
  // What serves the root, for a message: "nfs4 server:/export, mounted at /mnt".
  std::string describe(const Workspace& workspace);

 private:
  // Beyond so many mounts some share their threads.
  static constexpr size_t kLanes = 16;
  static constexpr size_t kThreads = 2;
  static constexpr size_t kLocal = kLanes + 1;  // in place of a lane
  // A mount that is served elsewhere, or a local one within such a mount.
  struct Remote {
    os::Mount mount;
    size_t lane = 0;
  };

  void read_mounts() KILN_REQUIRES(mutex_);
  // The innermost on the way to `path`, which is absolute and has no symlinks up to there.
  const Remote* find(std::string_view path) const KILN_REQUIRES(mutex_);
  // `path` with the symlinks resolved that lie on local file systems.
  std::string located(std::string_view path) const KILN_REQUIRES(mutex_);
  Executor* of(const std::string& located);

  std::atomic<bool> any_{false};
  Mutex mutex_;
  std::optional<os::Mounts> mounts_ KILN_GUARDED_BY(mutex_);  // nothing where there is no /proc
  std::vector<Remote> remotes_ KILN_GUARDED_BY(mutex_);       // empty: all is local
  std::array<std::unique_ptr<ThreadPool>, kLanes> lanes_ KILN_GUARDED_BY(mutex_);  // as needed
};

}  // namespace kiln::intrinsics
