// kiln.v1.Daemon: what the daemon says of itself, and how it is asked to go. Contract:
// daemon.proto.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "common/ipc/paths.h"
#include "daemon/confine/support.h"
#include "daemon/exec/sandbox_memory.h"
#include "daemon/service/host.h"
#include "kiln/v1/daemon.grpc.pb.h"

namespace kiln::service {

class DaemonService final : public v1::Daemon::CallbackService {
 public:
  // `stop(force)` asks the daemon to shut down and returns at once.
  // `memory` is null where sandboxes are made on disk alone.
  DaemonService(const Host& host, DaemonPaths paths, confine::Support confinement,
                const exec::SandboxMemory* memory, std::function<void(bool force)> stop)
      : host_(host),
        paths_(std::move(paths)),
        confinement_(std::move(confinement)),
        memory_(memory),
        stop_(std::move(stop)) {}

  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext*, const v1::StatusRequest*,
                                   v1::StatusResponse*) override;
  grpc::ServerUnaryReactor* Stop(grpc::CallbackServerContext*, const v1::StopRequest*,
                                 v1::StopResponse*) override;
  grpc::ServerUnaryReactor* Diagnose(grpc::CallbackServerContext*, const v1::DiagnoseRequest*,
                                     v1::DiagnoseResponse*) override;

 private:
  const Host& host_;
  const DaemonPaths paths_;
  const confine::Support confinement_;
  const exec::SandboxMemory* const memory_;
  const std::function<void(bool)> stop_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace kiln::service
