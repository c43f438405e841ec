// WorkspaceWriter: a tree into a workspace.
//
// Each file appears whole: written beside, then renamed. What already stands there with the same
// content and executable bit is not written. Nothing is written when something in the way would
// have to be left, a path leads through a symlink, somebody edited a file that is to be replaced,
// or the store has lost content (write_plan.h).
//
// Modes:   a file that is replaced keeps its mode, but for the executable bits, and its owner if
//          the daemon may give it away; another hard link of it keeps the old content. A new file
//          gets 0666 or 0777 without the bits of the caller's umask.
// Times:   a file is never older than the captured files it was made from, so that make and ninja
//          come to rest: also one that was not written gets a new time if it is older. It is never
//          newer than an edit that came after the capture (WriteTerms::captured_at).
// Threads: thread-safe. Blocking.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/result.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/intrinsics/write_plan.h"
#include "daemon/store/stores.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

class WorkspaceWriter {
 public:
  WorkspaceWriter(store::Store& store, FsCounters& counters) : store_(store), counters_(counters) {}

  // Files and symlinks written; those left alone are not counted.
  Result<uint64_t> write(const Workspace& workspace, const store::TreePtr& tree,
                         const RelPath& prefix, WriteTerms terms = {});

 private:
  store::Store& store_;
  FsCounters& counters_;
  std::atomic<uint64_t> temporaries_{0};  // numbers the names of files on their way
};

// The time now, by the clock that the kernel takes file times from: behind the real one by up to a
// tick. Kernels from 6.13 on may give a file a time between the two.
int64_t file_clock_now();

}  // namespace kiln::intrinsics
