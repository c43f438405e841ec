// sync_wait: blocks this thread until a task has ended. For main(), tests and benchmarks; never on
// a thread of an executor that the task needs.
#pragma once

#include "daemon/async/scope.h"

namespace kiln {

namespace internal {
template <class T>
Task<void> store_result(Task<T> task, std::optional<T>& slot) {
  slot.emplace(co_await std::move(task));
}
template <class T, class Awaitable>
Task<T> task_of(Awaitable awaitable) {
  co_return co_await std::move(awaitable);
}
}  // namespace internal

template <class T>
T sync_wait(Executor& executor, Task<T> task) {
  Scope scope;
  if constexpr (std::is_void_v<T>) {
    scope.spawn(executor, std::move(task));
    scope.join();
  } else {
    std::optional<T> slot;
    scope.spawn(executor, internal::store_result(std::move(task), slot));
    scope.join();
    return *std::move(slot);
  }
}

// The same for what is awaited as it is, without being a task.
template <class Awaitable>
  requires requires(Awaitable& awaitable) { awaitable.await_resume(); }
auto sync_wait(Executor& executor, Awaitable awaitable) {
  using T = decltype(awaitable.await_resume());
  return sync_wait(executor, internal::task_of<T>(std::move(awaitable)));
}

}  // namespace kiln
