// when_all: several tasks at once, results in the order of the tasks.
//
// Starts the tasks one after another on the caller's thread, each until it first suspends; resumes
// the caller where the last of them finished. Siblings are not cancelled when one fails: tasks
// carry Results, and whoever owns a std::stop_source decides.
#pragma once

#include <atomic>
#include <optional>
#include <tuple>
#include <vector>

#include "daemon/async/suspend.h"
#include "daemon/async/task.h"

namespace kiln {

namespace internal {

// Counts down to the resumption of one waiter; starts at tasks + 1 so that the waiter itself holds
// it back until all tasks have been started.
class Latch {
 public:
  explicit Latch(size_t tasks) : left_(tasks + 1) {}
  void set_waiter(std::coroutine_handle<> waiter) { waiter_ = waiter; }
  std::coroutine_handle<> waiter() const { return waiter_; }
  bool arrive_is_last() noexcept { return left_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  std::atomic<size_t> left_;
  std::coroutine_handle<> waiter_;
};

// A coroutine that runs one task, stores its result, and arrives at the latch.
class LatchedTask {
 public:
  struct promise_type {
    static void* operator new(size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept {
      frame_pool::deallocate(frame, bytes);
    }
    struct Final {
      bool await_ready() noexcept { return false; }
      // Not by symmetric transfer: what to transfer to would be kept in this frame, which is gone
      // once another task arrives last.
      KILN_HANDS_OVER void await_suspend(std::coroutine_handle<promise_type> handle) noexcept {
        Latch& latch = *handle.promise().latch;
        if (latch.arrive_is_last()) latch.waiter().resume();
      }
      void await_resume() noexcept {}
    };
    LatchedTask get_return_object() {
      return LatchedTask(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    Latch* latch = nullptr;
  };

  explicit LatchedTask(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  LatchedTask(LatchedTask&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  LatchedTask& operator=(LatchedTask&&) = delete;
  ~LatchedTask() {
    if (handle_) handle_.destroy();
  }
  void start(Latch& latch) {
    handle_.promise().latch = &latch;
    handle_.resume();
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
LatchedTask run_into(Task<T> task, std::optional<T>& slot) {
  slot.emplace(co_await std::move(task));
}

struct LatchAwaiter {
  Latch& latch;
  std::vector<LatchedTask>& tasks;
  bool await_ready() noexcept { return tasks.empty(); }
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) {
    latch.set_waiter(waiter);
    for (LatchedTask& task : tasks) task.start(latch);
    return !latch.arrive_is_last();
  }
  void await_resume() noexcept {}
};

}  // namespace internal

template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> slots(tasks.size());
  std::vector<internal::LatchedTask> running;
  running.reserve(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    running.push_back(internal::run_into(std::move(tasks[i]), slots[i]));
  }
  internal::Latch latch(running.size());
  co_await internal::LatchAwaiter{latch, running};
  std::vector<T> results;
  results.reserve(slots.size());
  for (auto& slot : slots) results.push_back(*std::move(slot));
  co_return results;
}

template <class... Ts>
  requires(sizeof...(Ts) > 0)
Task<std::tuple<Ts...>> when_all(Task<Ts>... tasks) {
  std::tuple<std::optional<Ts>...> slots;
  std::vector<internal::LatchedTask> running;
  running.reserve(sizeof...(Ts));
  std::apply(
      [&](auto&... slot) { (running.push_back(internal::run_into(std::move(tasks), slot)), ...); },
      slots);
  internal::Latch latch(running.size());
  co_await internal::LatchAwaiter{latch, running};
  co_return std::apply([](auto&... slot) { return std::tuple<Ts...>(*std::move(slot)...); }, slots);
}

}  // namespace kiln
