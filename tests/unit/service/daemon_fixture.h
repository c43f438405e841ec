// DaemonFixture: a whole daemon inside the test's process, asked over its socket by grpc++, the
// client that kiln did not write.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/ipc/wire_error.h"
#include "daemon/app/daemon.h"
#include "kiln/v1/daemon.grpc.pb.h"
#include "kiln/v1/digests.grpc.pb.h"
#include "kiln/v1/processes.grpc.pb.h"
#include "tests/support/eventually.h"
#include "tests/support/quiet_log.h"
#include "tests/support/temp_directory.h"

namespace kiln::test {

// One daemon with a home of its own.
class DaemonHouse {
 public:
  DaemonHouse() {
    app::Config config;
    const auto environment = [&](std::string_view name) -> std::optional<std::string> {
      if (name == "KILN_HOME") return disk_.path("home");
      if (name == "KILN_RUNTIME_DIR") return disk_.path("run");
      return std::nullopt;
    };
    config.paths = *daemon_paths(environment);
    KILN_CHECK(prepare_runtime_dir(config.paths).ok(), "no runtime directory");
    disk_.make_directory("home");
    disk_.make_directory("workspace");
    daemon_ =
        *app::Daemon::start(config, log_, app::compile_rules(), [](const std::string&, bool) {});
    channel_ = grpc::CreateCustomChannel("unix:" + config.paths.socket,
                                         grpc::InsecureChannelCredentials(), arguments());
    digests_ = v1::Digests::NewStub(channel_);
    processes_ = v1::Processes::NewStub(channel_);
    control_ = v1::Daemon::NewStub(channel_);
  }

  app::Daemon& daemon() { return *daemon_; }
  void stop() { daemon_.reset(); }
  v1::Digests::Stub& digests() { return *digests_; }
  v1::Processes::Stub& processes() { return *processes_; }
  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

  std::string workspace() const { return disk_.path("workspace"); }
  void write(std::string_view path, std::string_view content) const {
    disk_.write("workspace/" + std::string(path), content);
  }
  v1::Caller caller() const {
    v1::Caller caller;
    caller.set_workspace_root(workspace());
    return caller;
  }
  v1::Process script(const std::string& text) const {
    v1::Process process;
    for (const std::string& argument : {std::string("/bin/sh"), std::string("-c"), text}) {
      process.add_argv(argument);
    }
    (*process.mutable_env())["PATH"] = "/usr/bin:/bin";
    process.set_sandbox(v1::Process::PLAIN);  // the tests see its files and its pid
    return process;
  }
  v1::StatusResponse status() {
    grpc::ClientContext context;
    v1::StatusResponse response;
    EXPECT_TRUE(control_->Status(&context, {}, &response).ok());
    return response;
  }
  uint64_t counter(const std::string& name) {
    grpc::ClientContext context;
    v1::StatusResponse response;
    if (!control_->Status(&context, {}, &response).ok()) return 0;
    return response.counters().contains(name) ? response.counters().at(name) : 0;
  }
  std::vector<std::string> workspaces() {
    grpc::ClientContext context;
    v1::StatusResponse response;
    if (!control_->Status(&context, {}, &response).ok()) return {"no status"};
    return {response.workspaces().begin(), response.workspaces().end()};
  }
  int64_t processes_running() {
    grpc::ClientContext context;
    v1::StatusResponse response;
    return control_->Status(&context, {}, &response).ok()
               ? static_cast<int64_t>(response.processes_running())
               : -1;
  }

 private:
  // A connection of each daemon's own, also if an earlier test had a socket of that name.
  static grpc::ChannelArguments arguments() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return arguments;
  }

  TempDirectory disk_;
  QuietLog log_;
  std::unique_ptr<app::Daemon> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Digests::Stub> digests_;
  std::unique_ptr<v1::Processes::Stub> processes_;
  std::unique_ptr<v1::Daemon::Stub> control_;
};

// The kiln error that came with a status.
inline Error error_of(const grpc::Status& status) {
  return from_status(status.error_code(), status.error_message(), status.error_details());
}

}  // namespace kiln::test
