#include "daemon/graph/trampoline.h"

namespace kiln::graph::trampoline {

namespace {

struct Ready {
  bool active = false;
  std::vector<std::coroutine_handle<>> stack;
};
thread_local Ready ready;

}  // namespace

void resume(std::coroutine_handle<> handle) {
  if (ready.active) {
    ready.stack.push_back(handle);
    return;
  }
  ready.active = true;
  handle.resume();
  while (!ready.stack.empty()) {
    const std::coroutine_handle<> next = ready.stack.back();
    ready.stack.pop_back();
    next.resume();
  }
  ready.active = false;
}

void resume_all(Executor& executor, std::vector<std::coroutine_handle<>> handles) {
  while (handles.size() > 1) {
    const auto half = handles.begin() + static_cast<std::ptrdiff_t>((handles.size() + 1) / 2);
    executor.post([&executor, rest = std::vector(half, handles.end())]() mutable {
      resume_all(executor, std::move(rest));
    });
    handles.erase(half, handles.end());
  }
  if (!handles.empty()) resume(handles.front());
}

void resume_on(Executor& executor, std::coroutine_handle<> handle) {
  executor.post([handle] { resume(handle); });
}

}  // namespace kiln::graph::trampoline
