#include "daemon/service/host.h"

#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/service/request_check.h"

namespace kiln::service {

Result<std::shared_ptr<session::Run>> Host::begin(const google::protobuf::Message& request,
                                                  const v1::Caller& caller) const {
  if (!caller.client_version().empty() && caller.client_version() != KILN_VERSION) {
    return environment_error(ErrorCode::kVersionSkew,
                             "the daemon is kiln " KILN_VERSION ", the client " +
                                 caller.client_version() + "; restart the daemon");
  }
  KILN_TRY(check());
  KILN_TRY(check_values(request));
  const intrinsics::Workspace* workspace = nullptr;
  if (!caller.workspace_root().empty()) {
    const std::string root = resolved_root(caller.workspace_root());
    KILN_TRY(check_view(caller, root));
    KILN_ASSIGN(workspace, workspaces.open(root));
  }
  std::string ignore(intrinsics::kDefaultIgnore);
  if (caller.has_ignore()) {
    ignore.clear();
    for (const std::string& pattern : caller.ignore().patterns()) ignore += pattern + "\n";
  }
  return runs.begin(workspace, std::move(ignore));
}

void Host::set_clock(ClockTick tick, v1::Clock& clock) const {
  clock.set_epoch(epoch);
  clock.set_tick(tick.value);
}

}  // namespace kiln::service
