#include "daemon/async/scope.h"

namespace kiln {

// A self-destroying coroutine; the scope counts it.
struct Scope::Runner {
  struct promise_type {
    static void* operator new(size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept {
      frame_pool::deallocate(frame, bytes);
    }
    Runner get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
};

Scope::~Scope() {
  MutexLock lock(mutex_);
  KILN_CHECK(live_ == 0, "a Scope was destroyed before its tasks ended");
}

bool Scope::spawn(Executor& executor, absl::AnyInvocable<Task<void>()> make) {
  if (!begin()) return false;
  executor.post([this, make = std::move(make)]() mutable { run(*this, make()); });
  return true;
}

bool Scope::spawn(Executor& executor, Task<void> task) {
  if (!begin()) return false;
  executor.post([this, task = std::move(task)]() mutable { run(*this, std::move(task)); });
  return true;
}

bool Scope::begin() {
  MutexLock lock(mutex_);
  if (closed_) return false;
  ++live_;
  return true;
}

Scope::Runner Scope::run(Scope& scope, Task<void> task) {
  {
    // The task's frame ends before the scope hears of it: what it refers to may go right after.
    Task<void> running = std::move(task);
    co_await std::move(running);
  }
  scope.finished();
}

void Scope::finished() {
  MutexLock lock(mutex_);
  if (--live_ == 0) idle_.notify_all();
}

void Scope::join() {
  MutexLock lock(mutex_);
  closed_ = true;
  idle_.wait(mutex_, [this]() KILN_REQUIRES(mutex_) { return live_ == 0; });
}

}  // namespace kiln
