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

}  // namespace kiln
