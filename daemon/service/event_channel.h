// EventChannel: the events of a run on their way into the answers of its call.
//
// Model:   what is published waits in an EventStream, bounded, and is sent as fast as the client
//          reads; with_events() runs a call's work beside that, and ends when both have.
// Threads: thread-safe.
// Cancels: when the client is gone, events are dropped; the work ends by its run's token.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/async/signal.h"
#include "daemon/async/when_all.h"
#include "daemon/service/convert.h"
#include "daemon/service/host.h"
#include "daemon/service/write_queue.h"
#include "daemon/trace/event_stream.h"

namespace kiln::service {

class EventChannel {
 public:
  EventChannel(Executor& executor, trace::Level level)
      : ready_(executor), stream_(level, [this] { ready_.set(); }) {}

  trace::EventStream& stream() { return stream_; }

  // Sends what is published, until the stream has ended or the client is gone. `event_of` is the
  // place of an event in an answer.
  template <class Response>
  Task<Result<void>> send_to(WriteQueue<Response>& queue, v1::Event* (Response::*event_of)()) {
    for (;;) {
      // In this order: what is published before the end is taken after it.
      const bool ended = stream_.ended();
      const std::vector<trace::Event> events = stream_.take(kBatch);
      if (events.empty()) {
        if (ended) co_return Result<void>();
        co_await ready_;
      }
      for (const trace::Event& event : events) {
        Response response;
        set_event(event, *(response.*event_of)());
        if (co_await queue.send(std::move(response))) continue;
        stream_.abandon();
        co_return user_error(ErrorCode::kCancelled, "the client is gone");
      }
    }
  }

 private:
  // What is taken from the stream at once is beyond its bound.
  static constexpr size_t kBatch = 64;

  Signal ready_;
  trace::EventStream stream_;
};

// What a request is called in its events.
struct RequestName {
  std::string name;         // "exec"
  std::string description;  // for people
};

// A run being told of, from begin to end.
class Telling {
 public:
  // Null if the client wants to know of nothing.
  static Result<std::shared_ptr<Telling>> begin(const Host& host, const session::Run& run,
                                                v1::Event::Level level, RequestName request) {
    KILN_ASSIGN(const std::optional<trace::Level> wanted, level_from(level));
    if (!wanted) return std::shared_ptr<Telling>();
    const auto channel = std::make_shared<EventChannel>(host.home.executor, *wanted);
    // Whoever publishes last may do so after the call.
    std::shared_ptr<trace::EventSink> sink(channel, &channel->stream());
    return std::shared_ptr<Telling>(new Telling(
        channel, host.engine.events.listen(run, std::move(request.name),
                                           std::move(request.description), std::move(sink))));
  }

  EventChannel& channel() { return *channel_; }
  // The request has ended; null: with an answer. Once.
  void end(const Error* error) {
    listening_->end(error);
    channel_->stream().end();
  }

 private:
  Telling(std::shared_ptr<EventChannel> channel, std::unique_ptr<session::Listening> listening)
      : channel_(std::move(channel)), listening_(std::move(listening)) {}

  const std::shared_ptr<EventChannel> channel_;
  const std::unique_ptr<session::Listening> listening_;
};

namespace internal {

template <class T>
Task<Result<T>> tell_end(Task<Result<T>> work, Telling& telling) {
  Result<T> result = co_await std::move(work);
  telling.end(result.ok() ? nullptr : &result.error());
  co_return result;
}

}  // namespace internal

// Does `work` for `run`, and tells the client meanwhile what it asked to be told. All that is to be
// told has been sent when this returns.
template <class T, class Response>
Task<Result<T>> with_events(const Host& host, const session::Run& run, v1::Event::Level level,
                            RequestName request, WriteQueue<Response>& queue,
                            v1::Event* (Response::*event_of)(), Task<Result<T>> work) {
  KILN_CO_ASSIGN(const std::shared_ptr<Telling> telling,
                 Telling::begin(host, run, level, std::move(request)));
  if (telling == nullptr) co_return co_await std::move(work);
  auto [result, sent] = co_await when_all(internal::tell_end(std::move(work), *telling),
                                          telling->channel().send_to(queue, event_of));
  co_return std::move(result);
}

}  // namespace kiln::service
