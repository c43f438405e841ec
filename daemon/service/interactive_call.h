// InteractiveCall: one process in a client's terminal, from its sandbox to its exit code.
//
// Model:   the first message begins the run and its work; each later one is a reply of the client.
// Owns:    itself until OnDone(); its run.
// Threads: reactor callbacks come from gRPC's threads; the work is a coroutine on the executor.
// Cancels: a client that goes away before it reported the end cancels the run.
#pragma once

#include <memory>
#include <optional>

#include "common/base/sync.h"
#include "daemon/service/host.h"
#include "daemon/service/interactive_offers.h"
#include "daemon/service/write_queue.h"
#include "daemon/session/interactive.h"
#include "kiln/v1/processes.grpc.pb.h"

namespace kiln::service {

class InteractiveCall final
    : public grpc::ServerBidiReactor<v1::RunInteractiveRequest, v1::RunInteractiveResponse> {
 public:
  InteractiveCall(const Host& host, grpc::CallbackServerContext& context);

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { queue_.written(ok); }
  void OnCancel() override;
  void OnDone() override { delete this; }

  Result<void> begin(const v1::RunInteractiveRequest& message);
  // What is to run: the caller's own process, or the offer of a goal.
  Result<session::InteractiveSpec> spec_of(const v1::RunInteractiveRequest::Begin& begin);
  // A reply of the client.
  Result<void> take(const v1::RunInteractiveRequest& message);
  Task<void> drive(session::InteractiveSpec spec);
  Task<Result<void>> send(const exec::InteractivePlace& place);
  // Tells the goal, if there is one.
  void finish_offer(Result<int> ended);
  // Nothing more can come of the call.
  void give_up(const Error& error);

  struct State {
    std::shared_ptr<session::Run> run;  // from the first message on
    bool gone = false;                  // the client; maybe before its first message
  };

  const Host& host_;
  grpc::CallbackServerContext& context_;
  v1::RunInteractiveRequest message_;  // the reader's
  // Set by the first read, before any work.
  bool inherit_env_ = false;
  bool begun_ = false;
  // The goal's, if the process is one of a goal.
  std::shared_ptr<InteractiveOffers::Offer> offer_;
  session::InteractiveReplies replies_;
  Synchronized<State> state_;
  WriteQueue<v1::RunInteractiveResponse> queue_;
  std::optional<OnRunCancelled> cancelled_;
  std::optional<OnRunCancelled> unwanted_;  // the goal's run was, or its inputs changed
};

}  // namespace kiln::service
