// WritePlan: what has to be written so that a tree stands in a workspace.
//
// What:   what stands there already, with the same content and mode, is left out. All that can be
//         known to go wrong is found here, where nothing is written yet: what is in the way, and
//         content that the store has lost.
// Fails:  kFailedPrecondition when something in the way would have to be left: a directory where a
//         file should be, a symlink on the way. kNotFound when the store lacks content of what is
//         to be written. Either names all of it.
// Threads: stateless. Blocking.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/intrinsics/files/workspace.h"
#include "daemon/store/stores.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

struct WriteStep {
  RelPath path;
  const store::Node* node;  // of the tree that was planned for; a directory is only made
  bool there;               // something has to make way
};

// Directories come before what is in them. `root_fd` is that of the workspace's root.
Result<std::vector<WriteStep>> plan_write(store::Store& store, FsCounters& counters,
                                          const Workspace& workspace, int root_fd,
                                          const store::Tree& tree);

}  // namespace kiln::intrinsics
