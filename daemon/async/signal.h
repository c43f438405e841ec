// Signal: wakes one waiting coroutine, again and again. One that nobody waits for is kept until the
// next wait; several of those count as one.
//
// Threads: set() may be called by anyone, one coroutine at a time awaits. The waiter resumes on the
// executor, never inside set().
#pragma once

#include <atomic>
#include <coroutine>

#include "daemon/async/executor.h"
#include "daemon/async/suspend.h"

namespace kiln {

class Signal {
 public:
  explicit Signal(Executor& executor) : executor_(executor) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void set() {
    void* seen = state_.load(std::memory_order_acquire);
    for (;;) {
      if (seen == set_mark()) return;
      void* const next = seen == nullptr ? set_mark() : nullptr;
      if (!state_.compare_exchange_weak(seen, next, std::memory_order_acq_rel)) continue;
      if (seen != nullptr) {
        executor_.post([waiter = std::coroutine_handle<>::from_address(seen)] { waiter.resume(); });
      }
      return;
    }
  }

  bool await_ready() noexcept {
    void* set = set_mark();
    return state_.compare_exchange_strong(set, nullptr, std::memory_order_acq_rel);
  }
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    void* none = nullptr;
    if (state_.compare_exchange_strong(none, waiter.address(), std::memory_order_acq_rel)) {
      return true;
    }
    state_.exchange(nullptr, std::memory_order_acq_rel);  // it was set meanwhile
    return false;
  }
  void await_resume() const noexcept {}

 private:
  void* set_mark() const { return const_cast<Signal*>(this); }
  Executor& executor_;
  std::atomic<void*> state_{nullptr};  // nullptr, the waiter's address, or `this` once set
};

}  // namespace kiln
