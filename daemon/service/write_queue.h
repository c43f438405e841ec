// WriteQueue: messages on their way to one client, one write at a time as gRPC wants it.
//
// Model:   push() always takes; offer() refuses once `kSlowBytes` wait, for output that can be
//          fetched elsewhere; send() waits until the client has caught up. When the client is gone
//          everything is dropped and nobody waits. What is last in the queue when the call is
//          finished leaves together with the status: one turn of gRPC's queue instead of two.
// Threads: thread-safe; senders take turns, and resume on the executor.
#pragma once

#include <grpcpp/grpcpp.h>

#include <coroutine>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/sync.h"
#include "daemon/async/executor.h"
#include "daemon/async/suspend.h"

namespace kiln::service {

inline constexpr size_t kSlowBytes = size_t{1} << 20;

template <class Message>
class WriteQueue {
 public:
  using Write = std::function<void(const Message*)>;
  // With a message: the last one, written together with the status and not answered by written().
  using Finish = std::function<void(const Message*, const grpc::Status&)>;

  // `write` starts one write, answered by written(); `finish` ends the call, once, last.
  WriteQueue(Executor& executor, Write write, Finish finish)
      : executor_(executor), write_(std::move(write)), finish_(std::move(finish)) {}

  void push(Message message) {
    Step step;
    {
      MutexLock lock(mutex_);
      if (abandoned_) return;
      enqueue(std::move(message));
      step = next_step();
    }
    take(step);
  }

  // As push(), for a message that finish() follows at once and takes with it.
  void push_last(Message message) {
    MutexLock lock(mutex_);
    if (!abandoned_) enqueue(std::move(message));
  }

  bool offer(Message message) {
    {
      MutexLock lock(mutex_);
      if (!abandoned_ && bytes_ >= kSlowBytes) return false;
    }
    push(std::move(message));
    return true;
  }

  // co_await queue.send(message): true when it is queued, false when the client is gone.
  auto send(Message message) { return Sending(*this, std::move(message)); }

  // Ends the call after what is queued was written. Once, when nobody sends any more.
  void finish(grpc::Status status) {
    Step step;
    {
      MutexLock lock(mutex_);
      status_ = std::move(status);
      step = next_step();
    }
    take(step);
  }

  // gRPC's answer to a write.
  void written(bool ok) {
    Step step;
    std::vector<std::coroutine_handle<>> ready;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      bytes_ -= queue_.front().bytes;
      queue_.pop_front();
      if (!ok) drop();
      ready = admit();
      step = next_step();
    }
    for (const auto sender : ready) executor_.post([sender] { sender.resume(); });
    take(step);
  }

  // The client is gone. True: gRPC still owes the answer to a write.
  bool abandon() {
    std::vector<std::coroutine_handle<>> ready;
    bool writing;
    {
      MutexLock lock(mutex_);
      drop();
      ready = admit();
      writing = writing_;
    }
    for (const auto sender : ready) executor_.post([sender] { sender.resume(); });
    return writing;
  }

 private:
  struct Item {
    Message message;
    size_t bytes;
  };

  // What gRPC is to be told next, outside the lock.
  struct Step {
    const Message* message = nullptr;
    std::optional<grpc::Status> status;  // the last of all
  };

  // Lives in the frame of the coroutine that awaits it.
  class Sending {
   public:
    Sending(WriteQueue& queue, Message message) : queue_(queue), message_(std::move(message)) {}
    Sending(const Sending&) = delete;
    Sending& operator=(const Sending&) = delete;

    bool await_ready() const noexcept { return false; }
    KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> handle) {
      Step step;
      {
        MutexLock lock(queue_.mutex_);
        if (!queue_.abandoned_ && queue_.bytes_ >= kSlowBytes) {
          handle_ = handle;
          queue_.senders_.push_back(this);
          return true;
        }
        if (!queue_.abandoned_) {
          queue_.enqueue(std::move(message_));
          sent_ = true;
          step = queue_.next_step();
        }
      }
      queue_.take(step);
      return false;
    }
    bool await_resume() const noexcept { return sent_; }

   private:
    friend class WriteQueue;
    WriteQueue& queue_;
    Message message_;
    std::coroutine_handle<> handle_;
    bool sent_ = false;
  };

  void enqueue(Message message) KILN_REQUIRES(mutex_) {
    const size_t bytes = message.ByteSizeLong();
    queue_.push_back({std::move(message), bytes});
    bytes_ += bytes;
  }

  // Those who need not wait any more, in the order in which they came.
  std::vector<std::coroutine_handle<>> admit() KILN_REQUIRES(mutex_) {
    std::vector<std::coroutine_handle<>> ready;
    while (!senders_.empty() && (abandoned_ || bytes_ < kSlowBytes)) {
      Sending& first = *senders_.front();
      senders_.pop_front();
      first.sent_ = !abandoned_;
      if (first.sent_) enqueue(std::move(first.message_));
      ready.push_back(first.handle_);
    }
    return ready;
  }

  // Keeps the message that is being written.
  void drop() KILN_REQUIRES(mutex_) {
    abandoned_ = true;
    while (queue_.size() > (writing_ ? 1u : 0u)) {
      bytes_ -= queue_.back().bytes;
      queue_.pop_back();
    }
  }

  Step next_step() KILN_REQUIRES(mutex_) {
    Step step;
    if (writing_ || finished_) return step;
    if (!queue_.empty()) step.message = &queue_.front().message;
    if (queue_.size() <= 1) step.status = status_;
    writing_ = step.message != nullptr;
    finished_ = step.status.has_value();
    return step;
  }

  void take(const Step& step) {
    if (step.status) {
      finish_(step.message, *step.status);
    } else if (step.message != nullptr) {
      write_(step.message);
    }
  }

  Executor& executor_;
  const Write write_;
  const Finish finish_;

  Mutex mutex_;
  std::deque<Item> queue_ KILN_GUARDED_BY(mutex_);  // the front is being written if writing_
  size_t bytes_ KILN_GUARDED_BY(mutex_) = 0;
  bool writing_ KILN_GUARDED_BY(mutex_) = false;
  bool abandoned_ KILN_GUARDED_BY(mutex_) = false;
  bool finished_ KILN_GUARDED_BY(mutex_) = false;
  std::optional<grpc::Status> status_ KILN_GUARDED_BY(mutex_);
  std::deque<Sending*> senders_ KILN_GUARDED_BY(mutex_);
};

}  // namespace kiln::service
