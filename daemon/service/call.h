// The shapes of a call: gRPC's callback reactors joined to coroutines.
//
// What:    a method makes a call object from its request and a body; the body is a coroutine on the
//          daemon's executor, inside the service's scope; its Result becomes the call's status.
// Owns:    a call owns itself from construction to OnDone(), as gRPC's reactors do, and its run.
// Cancels: a client that goes away cancels the run, and so what nobody else waits for. A run that
//          is cancelled ends its call, even if the client neither reads nor writes any more.
// Threads: reactor callbacks come from gRPC's threads; bodies run on the executor.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "common/base/result.h"
#include "daemon/async/executor.h"
#include "daemon/async/scope.h"
#include "daemon/service/write_queue.h"
#include "daemon/session/run.h"

namespace kiln::service {

// Our error as gRPC's: its first line, and the whole, as far as trailers carry it, in the details.
grpc::Status to_status(const Result<void>& result);
// The same for a request of which nothing was begun, which the details say: it can be sent again.
grpc::Status to_refusal(const Error& error);

// Where bodies run. Outlives every call.
struct CallHome {
  Executor& executor;
  Scope& scope;
};

// What a call does when its run is cancelled. A call's last member: it uses the others.
using OnRunCancelled = std::stop_callback<std::function<void()>>;

// One request, one response.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  using Body = std::function<Task<Result<void>>(const session::Run&)>;

  // `run` may hold an error: then that is the answer.
  static grpc::ServerUnaryReactor* start(CallHome home, Result<std::shared_ptr<session::Run>> run,
                                         Body body) {
    return new UnaryCall(home, std::move(run), std::move(body));
  }

 private:
  UnaryCall(CallHome home, Result<std::shared_ptr<session::Run>> run, Body body)
      : run_(std::move(run)), body_(std::move(body)) {
    if (!run_.ok()) {
      Finish(to_refusal(run_.error()));
    } else if (!home.scope.spawn(home.executor, [this] { return drive(); })) {
      Finish(to_refusal(session::shutting_down()));
    }
  }

  Task<void> drive() {
    const Result<void> result = co_await body_(**run_);
    Finish(to_status(result));
  }

  void OnCancel() override {
    if (run_.ok()) (*run_)->cancel();
  }
  void OnDone() override { delete this; }

  const Result<std::shared_ptr<session::Run>> run_;
  const Body body_;
};

// One request, a stream of responses.
template <class Response>
class StreamCall final : public grpc::ServerWriteReactor<Response> {
 public:
  using Body = std::function<Task<Result<void>>(const session::Run&, WriteQueue<Response>&)>;

  static grpc::ServerWriteReactor<Response>* start(CallHome home,
                                                   grpc::CallbackServerContext* context,
                                                   Result<std::shared_ptr<session::Run>> run,
                                                   Body body) {
    return new StreamCall(home, *context, std::move(run), std::move(body));
  }

 private:
  StreamCall(CallHome home, grpc::CallbackServerContext& context,
             Result<std::shared_ptr<session::Run>> run, Body body)
      : run_(std::move(run)),
        body_(std::move(body)),
        queue_(
            home.executor, [this](const Response* message) { this->StartWrite(message); },
            [this](const Response* last, const grpc::Status& status) {
              last == nullptr ? this->Finish(status) : this->StartWriteAndFinish(last, {}, status);
            }) {
    if (!run_.ok()) {
      queue_.finish(to_refusal(run_.error()));
      return;
    }
    cancelled_.emplace((*run_)->token(), [this, &context] {
      // The write that is under way may be waiting for a client that does not read.
      if (queue_.abandon()) context.TryCancel();
    });
    if (!home.scope.spawn(home.executor, [this] { return drive(); })) {
      queue_.finish(to_refusal(session::shutting_down()));
    }
  }

  Task<void> drive() {
    const Result<void> result = co_await body_(**run_, queue_);
    queue_.finish(to_status(result));
  }

  void OnWriteDone(bool ok) override { queue_.written(ok); }
  void OnCancel() override {
    if (run_.ok()) (*run_)->cancel();
    queue_.abandon();
  }
  void OnDone() override { delete this; }

  const Result<std::shared_ptr<session::Run>> run_;
  const Body body_;
  WriteQueue<Response> queue_;
  std::optional<OnRunCancelled> cancelled_;
};

}  // namespace kiln::service
