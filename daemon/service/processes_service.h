// kiln.v1.Processes over the session's executions. Contract: processes.proto.
#pragma once

#include "daemon/service/host.h"
#include "kiln/v1/processes.grpc.pb.h"

namespace kiln::service {

class ProcessesService final : public v1::Processes::CallbackService {
 public:
  explicit ProcessesService(const Host& host) : host_(host) {}

  grpc::ServerWriteReactor<v1::ExecuteEvent>* Execute(grpc::CallbackServerContext*,
                                                      const v1::ExecuteRequest*) override;
  grpc::ServerBidiReactor<v1::ExecuteBatchRequest, v1::ExecuteBatchResponse>* ExecuteBatch(
      grpc::CallbackServerContext*) override;
  grpc::ServerBidiReactor<v1::RunInteractiveRequest, v1::RunInteractiveResponse>* RunInteractive(
      grpc::CallbackServerContext*) override;
  grpc::ServerUnaryReactor* ExplainKey(grpc::CallbackServerContext*, const v1::ExecuteRequest*,
                                       v1::KeyExplanation*) override;

 private:
  const Host& host_;
};

}  // namespace kiln::service
