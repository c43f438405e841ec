// Executors: where work runs.
//
// `Executor` is the interface; `ThreadPool` (Boost.Asio) is what the daemon uses, once for
// computing (as many threads as cores) and once for calls that block (files, RocksDB, hashing).
// `ManualExecutor` runs what it was given when a test says so, on the test's thread.
// Threads: post() is thread-safe.
#pragma once

#include <absl/functional/any_invocable.h>

#include <coroutine>
#include <deque>
#include <memory>
#include <optional>

#include "common/base/sync.h"
#include "daemon/async/suspend.h"
#include "daemon/async/task.h"

namespace kiln {

using Work = absl::AnyInvocable<void()>;

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` later, never inside this call.
  virtual void post(Work work) = 0;
};

class ThreadPool final : public Executor {
 public:
  // `name` shows in ps and gdb, up to 15 bytes.
  ThreadPool(std::string_view name, size_t threads);
  // Runs what was posted, then joins.
  ~ThreadPool() override;

  void post(Work work) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Single-owner but for post(), which is thread-safe.
class ManualExecutor final : public Executor {
 public:
  void post(Work work) override;
  // Runs the oldest work; false if there is none.
  bool step();
  // Runs until nothing is left; how many ran.
  size_t drain();
  size_t pending() const;
  // Runs the i-th oldest work: a test chooses the interleaving.
  void step_at(size_t i);

 private:
  Synchronized<std::deque<Work>> queue_;
};

// co_await resume_on(executor): go on there.
inline auto resume_on(Executor& executor) {
  struct Awaiter {
    Executor& executor;
    bool await_ready() const noexcept { return false; }
    KILN_HANDS_OVER void await_suspend(std::coroutine_handle<> handle) const {
      executor.post([handle] { handle.resume(); });
    }
    void await_resume() const noexcept {}
  };
  return Awaiter{executor};
}

// Runs `f` on `blocking`, then resumes on `home`. What a coroutine does instead of blocking.
template <class F>
Task<std::invoke_result_t<F>> run_blocking(Executor& blocking, Executor& home, F f) {
  co_await resume_on(blocking);
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    f();
    co_await resume_on(home);
  } else {
    auto result = f();
    co_await resume_on(home);
    co_return result;
  }
}

}  // namespace kiln
