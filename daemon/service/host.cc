#include "daemon/service/host.h"

#include "common/base/version.h"
#include "daemon/service/caller_process.h"
#include "daemon/service/convert.h"
#include "daemon/service/request_check.h"

namespace kiln::service {

Result<std::shared_ptr<session::Run>> Host::begin_lending(
    const google::protobuf::Message& request, const v1::Caller& caller,
    const grpc::ServerContextBase& context) const {
  KILN_TRY(check());
  KILN_TRY(check_caller_of(context));
  const pid_t pid = caller_process(context);
  return begin(request, caller, pid != 0 && lend_slot ? lend_slot(pid) : nullptr);
}

Result<void> Host::check_caller_of(const grpc::ServerContextBase& context) const {
  const pid_t pid = caller_process(context);
  return pid != 0 && check_caller ? check_caller(pid) : Result<void>();
}

Result<std::shared_ptr<session::Run>> Host::begin(const google::protobuf::Message& request,
                                                  const v1::Caller& caller,
                                                  std::shared_ptr<void> loan) const {
  if (!caller.client_version().empty() && caller.client_version() != version()) {
    return environment_error(ErrorCode::kVersionSkew,
                             "the daemon is kiln " + std::string(version()) + ", the client " +
                                 caller.client_version() + "; restart the daemon");
  }
  KILN_TRY(check());
  KILN_TRY(check_values(request));
  intrinsics::WorkspaceRef workspace;
  if (!caller.workspace_root().empty()) {
    KILN_ASSIGN(workspace, workspaces.open(caller.workspace_root()));
    engine.files.learn_mounts(*workspace);
    // This thread serves all callers, so it never touches a file system that may not answer.
    if (engine.files.lane_of(*workspace) == nullptr) {
      KILN_ASSIGN(workspace, workspaces.open(resolved_root(workspace->root())));
      KILN_TRY(check_view(caller, workspace->root()));
    }
  }
  const unsigned umask = caller.has_umask() ? caller.umask() & 0777U : session::kDefaultUmask;
  return runs.begin(std::move(workspace), options_from(caller), umask, std::move(loan));
}

void Host::set_clock(ClockTick tick, v1::Clock& clock) const {
  clock.set_epoch(epoch);
  clock.set_tick(tick.value);
}

}  // namespace kiln::service
