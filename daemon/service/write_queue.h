// WriteQueue: messages on their way to one client, one write at a time as gRPC wants it.
//
// Model:   push() always takes; offer() refuses once `kSlowBytes` wait, for output that can be
//          fetched elsewhere; room() waits until the client has caught up. When the client is gone
//          everything is dropped and nobody waits. The last message leaves together with the
//          status, which saves gRPC a turn of its queue and the client a wake-up.
// Threads: thread-safe; room() has one waiter at a time and resumes on the executor.
#pragma once

#include <grpcpp/grpcpp.h>

#include <coroutine>
#include <deque>
#include <functional>
#include <optional>

#include "common/base/sync.h"
#include "daemon/async/executor.h"

namespace kiln::service {

inline constexpr size_t kSlowBytes = size_t{1} << 20;

template <class Message>
class WriteQueue {
 public:
  using Write = std::function<void(const Message*)>;
  // With a message: the last one, written with the status. Without: the status alone.
  using Finish = std::function<void(const Message*, const grpc::Status&)>;

  // `write` starts one write, answered by written(); `finish` ends the call, once, last.
  WriteQueue(Executor& executor, Write write, Finish finish)
      : executor_(executor), write_(std::move(write)), finish_(std::move(finish)) {}

  void push(Message message) {
    Step step;
    {
      MutexLock lock(mutex_);
      enqueue(std::move(message));
      step = next_step();
    }
    take(step);
  }

  // As push(), for a message that finish() follows at once and takes with it.
  void push_last(Message message) {
    MutexLock lock(mutex_);
    enqueue(std::move(message));
  }

  bool offer(Message message) {
    {
      MutexLock lock(mutex_);
      if (!abandoned_ && bytes_ >= kSlowBytes) return false;
    }
    push(std::move(message));
    return true;
  }

  // co_await queue.room(): true when there is room for more, false when the client is gone.
  auto room() {
    struct Awaiter {
      WriteQueue& queue;
      bool await_ready() const noexcept { return false; }
      bool await_suspend(std::coroutine_handle<> handle) {
        MutexLock lock(queue.mutex_);
        if (queue.abandoned_ || queue.bytes_ < kSlowBytes) return false;
        queue.waiter_ = handle;
        return true;
      }
      bool await_resume() {
        MutexLock lock(queue.mutex_);
        return !queue.abandoned_;
      }
    };
    return Awaiter{*this};
  }

  // Ends the call after what is queued was written. Once.
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
    std::coroutine_handle<> waiter;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      bytes_ -= queue_.front().bytes;
      queue_.pop_front();
      if (!ok) drop();
      step = next_step();
      if (abandoned_ || bytes_ < kSlowBytes) waiter = std::exchange(waiter_, {});
    }
    if (waiter) executor_.post([waiter] { waiter.resume(); });
    take(step);
  }

  // The client is gone.
  void abandon() {
    std::coroutine_handle<> waiter;
    {
      MutexLock lock(mutex_);
      drop();
      waiter = std::exchange(waiter_, {});
    }
    if (waiter) executor_.post([waiter] { waiter.resume(); });
  }

 private:
  struct Item {
    Message message;
    size_t bytes;
  };

  // Keeps the message that is being written.
  void drop() KILN_REQUIRES(mutex_) {
    abandoned_ = true;
    while (queue_.size() > (writing_ ? 1u : 0u)) {
      bytes_ -= queue_.back().bytes;
      queue_.pop_back();
    }
  }

  void enqueue(Message message) KILN_REQUIRES(mutex_) {
    if (abandoned_) return;
    const size_t bytes = message.ByteSizeLong();
    queue_.push_back({std::move(message), bytes});
    bytes_ += bytes;
  }

  // What gRPC is to be told next, outside the lock.
  struct Step {
    const Message* message = nullptr;
    std::optional<grpc::Status> status;
  };

  Step next_step() KILN_REQUIRES(mutex_) {
    Step step;
    if (writing_) return step;
    if (queue_.size() <= 1) step.status = status_;
    if (!queue_.empty()) step.message = &queue_.front().message;
    // After the status nothing more is told: the write that carries it is not answered.
    writing_ = step.message != nullptr || step.status;
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
  std::optional<grpc::Status> status_ KILN_GUARDED_BY(mutex_);
  std::coroutine_handle<> waiter_ KILN_GUARDED_BY(mutex_);
};

}  // namespace kiln::service
