// kiln.v1.Goals over the session's goals. Contract: goals.proto.
#pragma once

#include "daemon/service/host.h"
#include "kiln/v1/goals.grpc.pb.h"

namespace kiln::service {

class GoalsService final : public v1::Goals::CallbackService {
 public:
  explicit GoalsService(const Host& host) : host_(host) {}

  using Context = grpc::CallbackServerContext;
  using Events = grpc::ServerWriteReactor<v1::GoalEvent>;

  grpc::ServerUnaryReactor* List(Context*, const v1::ListGoalsRequest*,
                                 v1::ListGoalsResponse*) override;
  Events* Run(Context*, const v1::RunGoalsRequest*) override;
  Events* Watch(Context*, const v1::RunGoalsRequest*) override;

 private:
  const Host& host_;
};

}  // namespace kiln::service
