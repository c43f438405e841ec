// Channel: a warm gRPC connection to a stage's daemon, as an IDE would hold one.
// Threads: single-owner.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "kiln/v1/daemon.grpc.pb.h"
#include "kiln/v1/digests.grpc.pb.h"
#include "kiln/v1/goals.grpc.pb.h"
#include "kiln/v1/processes.grpc.pb.h"
#include "tests/bench/daemon/stage.h"

namespace kiln::bench {

class Channel {
 public:
  // Starts the stage's daemon if it does not run.
  explicit Channel(const Stage& stage);

  // A request of the stage's workspace. argv[0] is an absolute path.
  v1::ExecuteRequest request(std::vector<std::string> argv, std::vector<std::string> globs) const;
  // To the end of the stream.
  v1::ProcessResult execute(const v1::ExecuteRequest& request) const;
  void capture(const std::string& glob) const;
  // Over the whole workspace, to the end of the stream. Its answer is yes.
  void run_goal(const std::string& name) const;
  v1::StatusResponse status() const;
  // grpc.health.v1.Health/Check: the least that a call of this server costs.
  void check_health() const;

 private:
  const std::string workspace_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Processes::Stub> processes_;
  const std::unique_ptr<v1::Digests::Stub> digests_;
  const std::unique_ptr<v1::Goals::Stub> goals_;
  const std::unique_ptr<v1::Daemon::Stub> daemon_;
  const grpc::internal::RpcMethod health_check_;
};

}  // namespace kiln::bench
