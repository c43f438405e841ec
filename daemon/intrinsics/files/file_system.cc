#include "daemon/intrinsics/files/file_system.h"

namespace kiln::intrinsics {

void FileSystem::look_again(graph::Graph& graph, const Workspace& workspace) {
  services_.router.overflows().fetch_add(1);
  const Hash128 root = FsFunctions::watch_hash(workspace, RelPath());
  graph.invalidate(std::span(&root, 1));
}

}  // namespace kiln::intrinsics
