// Host: what every service of the daemon works with, and how a request becomes a run.
#pragma once

#include <functional>
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
  exec::InteractiveSandboxes& interactive;
  InteractiveOffers& offers;

  // A run for a request, which has a caller: the daemon, its version and the request's values
  // checked, the workspace known.
  template <class Request>
  Result<std::shared_ptr<session::Run>> begin(const Request& request) const {
    return begin(request, request.caller());
  }
  void set_clock(ClockTick tick, v1::Clock& clock) const;

 private:
  Result<std::shared_ptr<session::Run>> begin(const google::protobuf::Message& request,
                                              const v1::Caller& caller) const;
};

}  // namespace kiln::service
