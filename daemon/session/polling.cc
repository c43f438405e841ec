#include "daemon/session/polling.h"

namespace kiln::session {

void poll_untold(const Engine& engine, const Run& run) {
  const intrinsics::Workspace* workspace = run.workspace();
  if (workspace != nullptr && engine.files.reads_untold(*workspace)) engine.files.poll();
}

std::string untold_message(const intrinsics::Workspace& workspace) {
  return "kiln: not all directories of " + printable(workspace.root()) +
         " can be watched (`kiln daemon status` counts them, the daemon's log says why); those "
         "are looked at every second\n";
}

}  // namespace kiln::session
