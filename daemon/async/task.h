// Task<T>: a lazy coroutine with one awaiter.
//
// What:    starts when awaited, resumes its awaiter by symmetric transfer where it finishes; so
//          whoever completes the innermost wait decides the thread. `co_await` of an operation
//          says in its own contract which executor resumes you.
// Owns:    its frame. A Task that is dropped without being awaited never runs. A Task that is
//          suspended must not be destroyed: cancellation asks (std::stop_token), it never tears.
// Fails:   by value: Task<Result<T>>. An exception that escapes a task body ends the process: no
//          exception crosses a floor, so one that does is a bug.
// Threads: single-owner; the frame moves between threads only while suspended.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "common/base/check.h"
#include "daemon/async/frame_pool.h"

namespace kiln {

template <class T>
class Task;

namespace internal {

struct PromiseBase {
  static void* operator new(size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* frame, size_t bytes) noexcept {
    frame_pool::deallocate(frame, bytes);
  }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      return handle.promise().continuation;
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }

  std::coroutine_handle<> continuation = std::noop_coroutine();
};

template <class T>
struct Promise : PromiseBase {
  Task<T> get_return_object();
  template <class U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() noexcept {}
};

}  // namespace internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::Promise<T>;
  using value_type = T;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool valid() const { return static_cast<bool>(handle_); }

  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
        handle.promise().continuation = awaiter;
        return handle;
      }
      T await_resume() {
        if constexpr (!std::is_void_v<T>) return *std::move(handle.promise().value);
      }
    };
    KILN_CHECK(handle_, "co_await of an empty Task");
    return Awaiter{handle_};
  }

 private:
  Handle handle_;
};

namespace internal {

template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace internal
}  // namespace kiln
