// WriteQueue: messages on their way to one client, one write at a time as gRPC wants it.
//
// Model:   push() always takes; offer() refuses once `kSlowBytes` wait, for output that can be
//          fetched elsewhere; room() waits until the client has caught up. When the client is gone
//          everything is dropped and nobody waits.
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
  using Finish = std::function<void(const grpc::Status&)>;

  // `write` starts one write, answered by written(); `finish` ends the call, once, last.
  WriteQueue(Executor& executor, Write write, Finish finish)
      : executor_(executor), write_(std::move(write)), finish_(std::move(finish)) {}

  void push(Message message) {
    const size_t bytes = message.ByteSizeLong();
    const Message* next = nullptr;
    {
      MutexLock lock(mutex_);
      if (abandoned_) return;
      queue_.push_back({std::move(message), bytes});
      bytes_ += bytes;
      next = take_next();
    }
    if (next != nullptr) write_(next);
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
    {
      MutexLock lock(mutex_);
      status_ = std::move(status);
      if (writing_) return;
    }
    finish_(*final_status());
  }

  // gRPC's answer to a write.
  void written(bool ok) {
    const Message* next = nullptr;
    std::optional<grpc::Status> last;
    std::coroutine_handle<> waiter;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      bytes_ -= queue_.front().bytes;
      queue_.pop_front();
      if (!ok) drop();
      next = take_next();
      if (next == nullptr && status_) last = status_;
      if (abandoned_ || bytes_ < kSlowBytes) waiter = std::exchange(waiter_, {});
    }
    if (waiter) executor_.post([waiter] { waiter.resume(); });
    if (next != nullptr) write_(next);
    if (last) finish_(*last);
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

  const Message* take_next() KILN_REQUIRES(mutex_) {
    if (writing_ || queue_.empty()) return nullptr;
    writing_ = true;
    return &queue_.front().message;
  }

  std::optional<grpc::Status> final_status() {
    MutexLock lock(mutex_);
    return status_;
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
