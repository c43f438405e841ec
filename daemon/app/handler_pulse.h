// HandlerPulse: keeps one of the threads awake that handle calls.
//
// What:    a thread of gRPC's callback API that has had no event for a second sleeps for 100 ms
//          (gRPC 1.51, CompletionQueue::CallbackAlternativeCQ). A call that comes while all of them
//          sleep waits so long: one command in six that a person types. The server asks itself for
//          its health every 400 ms, so that the thread which handles that is never so long without
//          an event.
// Threads: single-owner; the calls are made on gRPC's threads. Destroyed before the server shuts
//          down.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>

#include <memory>

#include "common/base/sync.h"

namespace kiln::app {

class HandlerPulse {
 public:
  explicit HandlerPulse(grpc::Server& server);
  ~HandlerPulse();
  HandlerPulse(const HandlerPulse&) = delete;
  HandlerPulse& operator=(const HandlerPulse&) = delete;

 private:
  struct Beat {
    grpc::ClientContext context;
    grpc::Slice empty;
    grpc::ByteBuffer request{&empty, 1};  // asks for the health of the whole server
    grpc::ByteBuffer response;
  };

  // Has the next beat come, or ends if that is not wanted any more.
  void wait();
  void beat();
  void end();

  grpc::GenericStub stub_;
  Mutex mutex_;
  CondVar ended_;
  bool closed_ KILN_GUARDED_BY(mutex_) = false;
  bool beating_ KILN_GUARDED_BY(mutex_) = true;
  std::unique_ptr<grpc::Alarm> alarm_ KILN_GUARDED_BY(mutex_);
};

}  // namespace kiln::app
