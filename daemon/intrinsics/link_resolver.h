// Where a symlink of the workspace leads, step by step, without leaving the workspace.
#pragma once

#include <string>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/fs_functions.h"

namespace kiln::intrinsics {

struct ResolvedLink {
  enum class Kind : uint8_t {
    kFile,
    kDirectory,
    kDead,     // leads to nothing, or to what is neither file nor directory
    kOutside,  // absolute, or leaves the root
    kLoop,     // leads to itself
  };
  Kind kind = Kind::kDead;
  RelPath target;  // for kFile and kDirectory: without symlinks in it
};

// Everything read on the way becomes a dependency of `context`. The 40 links that the kernel allows
// on one path (path_resolution(7)) are the limit here too.
Task<Result<ResolvedLink>> resolve_link(graph::Context& context, const FsFunctions& fs,
                                        const Workspace& workspace, RelPath link);

}  // namespace kiln::intrinsics
