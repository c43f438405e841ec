#include "tests/bench/daemon/channel.h"

#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

#include "common/base/check.h"

namespace kiln::bench {

namespace {

std::shared_ptr<grpc::Channel> connect(const Stage& stage) {
  stage.start_daemon();
  return grpc::CreateChannel("unix:" + stage.daemon().socket, grpc::InsecureChannelCredentials());
}

void expect(const grpc::Status& status) {
  KILN_CHECK(status.ok(), "the daemon refused: " + status.error_message());
}

}  // namespace

Channel::Channel(const Stage& stage)
    : workspace_(stage.workspace()),
      channel_(connect(stage)),
      processes_(v1::Processes::NewStub(channel_)),
      digests_(v1::Digests::NewStub(channel_)),
      goals_(v1::Goals::NewStub(channel_)),
      daemon_(v1::Daemon::NewStub(channel_)),
      health_check_("/grpc.health.v1.Health/Check", grpc::internal::RpcMethod::NORMAL_RPC,
                    channel_) {}

v1::ExecuteRequest Channel::request(std::vector<std::string> argv,
                                    std::vector<std::string> globs) const {
  v1::ExecuteRequest request;
  request.mutable_caller()->set_workspace_root(workspace_);
  for (std::string& argument : argv) request.mutable_process()->add_argv(std::move(argument));
  for (std::string& glob : globs) request.mutable_process()->add_input_globs(std::move(glob));
  return request;
}

v1::ProcessResult Channel::execute(const v1::ExecuteRequest& request) const {
  grpc::ClientContext context;
  const auto reader = processes_->Execute(&context, request);
  v1::ProcessResult result;
  for (v1::ExecuteEvent event; reader->Read(&event);) {
    if (event.has_finished()) result = std::move(*event.mutable_finished());
  }
  expect(reader->Finish());
  KILN_CHECK(result.exit_code() == 0, "the process failed");
  return result;
}

void Channel::capture(const std::string& glob) const {
  grpc::ClientContext context;
  v1::CaptureRequest request;
  request.mutable_caller()->set_workspace_root(workspace_);
  request.mutable_globs()->add_globs(glob);
  v1::CaptureResponse response;
  expect(digests_->Capture(&context, request, &response));
}

void Channel::run_goal(const std::string& name) const {
  grpc::ClientContext context;
  v1::RunGoalsRequest request;
  request.mutable_caller()->set_workspace_root(workspace_);
  request.add_goals(name);
  request.add_specs("::");
  const auto reader = goals_->Run(&context, request);
  int exit_code = -1;
  for (v1::GoalEvent event; reader->Read(&event);) {
    if (event.has_finished()) exit_code = event.finished().exit_code();
  }
  expect(reader->Finish());
  KILN_CHECK(exit_code == 0, "the goal " + name + " said no");
}

v1::StatusResponse Channel::status() const {
  grpc::ClientContext context;
  v1::StatusResponse response;
  expect(daemon_->Status(&context, {}, &response));
  return response;
}

void Channel::check_health() const {
  grpc::ClientContext context;
  const grpc::Slice empty(nullptr, 0);
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  expect(grpc::internal::BlockingUnaryCall(channel_.get(), health_check_, &context, request,
                                           &response));
}

}  // namespace kiln::bench
