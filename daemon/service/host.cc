#include "daemon/service/host.h"

#include "daemon/service/convert.h"

namespace kiln::service {

Result<std::shared_ptr<session::Run>> Host::begin(const v1::Caller& caller) const {
  if (!caller.client_version().empty() && caller.client_version() != KILN_VERSION) {
    return environment_error(ErrorCode::kVersionSkew,
                             "the daemon is kiln " KILN_VERSION ", the client " +
                                 caller.client_version() + "; restart the daemon");
  }
  KILN_TRY(check());
  const intrinsics::Workspace* workspace = nullptr;
  if (!caller.workspace_root().empty()) {
    KILN_ASSIGN(workspace, workspaces.open(caller.workspace_root()));
  }
  return runs.begin(workspace, options_from(caller));
}

void Host::set_clock(ClockTick tick, v1::Clock& clock) const {
  clock.set_epoch(epoch);
  clock.set_tick(tick.value);
}

}  // namespace kiln::service
