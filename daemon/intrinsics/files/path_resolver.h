// Where a path leads, component by component and through symlinks, without leaving its tree.
#pragma once

#include <string_view>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/fs_functions.h"

namespace kiln::intrinsics {

struct ResolvedPath {
  enum class Kind : uint8_t {
    kFile,
    kDirectory,
    kOther,    // neither of these
    kDead,     // leads to nothing
    kOutside,  // leaves the root: by "..", or by an absolute link
    kLoop,     // through more links than the kernel would follow
  };
  Kind kind = Kind::kDead;
  RelPath target;         // unless dead, outside or a loop: without symlinks in it
  PathMetadata metadata;  // of a file
};

// `path` as seen from `from`, a directory without symlinks on its way; an absolute one, which leads
// out of any workspace but the host, from its root. Everything that is looked at
// on the way becomes a dependency of `context`. The 40 links that the kernel allows on one path
// (path_resolution(7)) are the limit here too. Nothing leaves the root of the host.
Task<Result<ResolvedPath>> resolve_path(graph::Context& context, const FsFunctions& fs,
                                        const Workspace& workspace, RelPath from,
                                        std::string_view path);

}  // namespace kiln::intrinsics
