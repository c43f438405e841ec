// Host: what every service of the daemon works with, and how a request becomes a run.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "daemon/exec/interactive_sandboxes.h"
#include "daemon/service/call.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"
#include "kiln/v1/common.pb.h"

namespace kiln::service {

class InteractiveOffers;

struct Host {
  session::Engine& engine;
  session::Runs& runs;
  intrinsics::Workspaces& workspaces;
  CallHome home;
  uint64_t epoch;  // of the clock: this life of the daemon
  // An error: the daemon cannot work any more. One of kUnavailable has the client ask another.
  std::function<Result<void>()> check;
  // An error of kUnavailable: process `caller` is to start another daemon. May be empty.
  std::function<Result<void>(pid_t caller)> check_caller;
  // A loan of the slot that a process of kiln holds, if `caller` is or descends from one; else
  // null. May be empty.
  std::function<std::shared_ptr<void>(pid_t caller)> lend_slot;
  exec::InteractiveSandboxes& interactive;
  InteractiveOffers& offers;

  // A run for a request, which has a caller: the daemon, its version and the request's values
  // checked, the workspace known.
  template <class Request>
  Result<std::shared_ptr<session::Run>> begin(const Request& request) const {
    return begin(request, request.caller(), nullptr);
  }
  // The same for a request that may run processes. Until it ends, a process of kiln that made it
  // lends its slot: it may be waiting for this very request.
  template <class Request>
  Result<std::shared_ptr<session::Run>> begin_lending(
      const Request& request, const grpc::ServerContextBase& context) const {
    return begin_lending(request, request.caller(), context);
  }
  // For a caller that stands inside of the request: a stream's first message.
  Result<std::shared_ptr<session::Run>> begin_for(const google::protobuf::Message& request,
                                                  const v1::Caller& caller) const {
    return begin(request, caller, nullptr);
  }
  // Whether the daemon can work for the process that made the call.
  Result<void> check_caller_of(const grpc::ServerContextBase& context) const;
  void set_clock(ClockTick tick, v1::Clock& clock) const;

 private:
  Result<std::shared_ptr<session::Run>> begin(const google::protobuf::Message& request,
                                              const v1::Caller& caller,
                                              std::shared_ptr<void> loan) const;
  Result<std::shared_ptr<session::Run>> begin_lending(const google::protobuf::Message& request,
                                                      const v1::Caller& caller,
                                                      const grpc::ServerContextBase& context) const;
};

}  // namespace kiln::service
