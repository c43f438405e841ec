// WorkspaceWriter: a tree into a workspace.
//
// Each file appears whole: written beside, then renamed. What already stands there with the same
// content and mode is left alone, so that tools that look at times see no change. Nothing is
// written when something in the way would have to be left, a path leads through a symlink, or the
// store has lost content (write_plan.h).
// Threads: thread-safe. Blocking.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/result.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/store/stores.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

class WorkspaceWriter {
 public:
  WorkspaceWriter(store::Store& store, FsCounters& counters) : store_(store), counters_(counters) {}

  // Files and symlinks written; those left alone are not counted.
  Result<uint64_t> write(const Workspace& workspace, const store::TreePtr& tree,
                         const RelPath& prefix);

 private:
  store::Store& store_;
  FsCounters& counters_;
  std::atomic<uint64_t> temporaries_{0};  // numbers the names of files on their way
};

}  // namespace kiln::intrinsics
