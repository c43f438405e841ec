#include "daemon/service/host.h"

#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/service/caller_process.h"

namespace kiln::service {

Result<std::shared_ptr<session::Run>> Host::begin(const v1::Caller& caller) const {
  return begin(caller, nullptr);
}

Result<std::shared_ptr<session::Run>> Host::begin_lending(
    const v1::Caller& caller, const grpc::ServerContextBase& context) const {
  const pid_t pid = caller_process(context);
  if (pid == 0) return begin(caller, nullptr);
  KILN_TRY(check_for(pid));
  return begin(caller, lend_slot ? lend_slot(pid) : nullptr);
}

Result<void> Host::check_for(pid_t caller) const {
  KILN_TRY(check());
  return caller != 0 && check_caller ? check_caller(caller) : Result<void>();
}

Result<std::shared_ptr<session::Run>> Host::begin(const v1::Caller& caller,
                                                  std::shared_ptr<void> loan) const {
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
  std::string ignore(intrinsics::kDefaultIgnore);
  if (caller.has_ignore()) {
    ignore.clear();
    for (const std::string& pattern : caller.ignore().patterns()) ignore += pattern + "\n";
  }
  return runs.begin(workspace, std::move(ignore), std::move(loan));
}

void Host::set_clock(ClockTick tick, v1::Clock& clock) const {
  clock.set_epoch(epoch);
  clock.set_tick(tick.value);
}

}  // namespace kiln::service
