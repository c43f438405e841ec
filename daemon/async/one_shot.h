// OneShot<T>: a value that comes once, from any thread, to one waiting coroutine.
//
// Threads: set() and await may race. Resumes the waiter inside set(), on the setter's thread; the
// waiter goes elsewhere with resume_on() if that thread is not for it.
#pragma once

#include <atomic>
#include <coroutine>
#include <optional>

#include "common/base/check.h"
#include "daemon/async/suspend.h"

namespace kiln {

template <class T>
class OneShot {
 public:
  OneShot() = default;
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;

  // Once.
  void set(T value) {
    KILN_CHECK(!value_.has_value(), "OneShot set twice");
    value_.emplace(std::move(value));
    void* waiter = state_.exchange(set_mark(), std::memory_order_acq_rel);
    if (waiter != nullptr) std::coroutine_handle<>::from_address(waiter).resume();
  }

  bool await_ready() const noexcept { return state_.load(std::memory_order_acquire) == set_mark(); }
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    void* expected = nullptr;
    return state_.compare_exchange_strong(expected, waiter.address(), std::memory_order_acq_rel);
  }
  T await_resume() { return *std::move(value_); }

 private:
  void* set_mark() const { return const_cast<OneShot*>(this); }
  std::atomic<void*> state_{nullptr};  // nullptr, the waiter's address, or `this` once set
  std::optional<T> value_;
};

}  // namespace kiln
