// Scope: the owner of concurrent work. No task is ever detached: it is spawned into a scope, and
// the scope is joined before what the task uses goes away.
//
// Threads: thread-safe. Declare it last in its owner, and call join() in the destructor or before.
// Cancels: request_stop() asks every task that watches token() to end early.
#pragma once

#include <absl/functional/any_invocable.h>

#include <stop_token>

#include "common/base/sync.h"
#include "daemon/async/executor.h"
#include "daemon/async/task.h"

namespace kiln {

class Scope {
 public:
  Scope() = default;
  // CHECKs that the scope was joined, or never used.
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Makes a task on `executor` and runs it there: one that another thread makes time and again
  // would take the memory of its frames from that thread and leave it to the executor's. After
  // close (join began) nothing is made: returns false.
  bool spawn(Executor& executor, absl::AnyInvocable<Task<void>()> make);
  // The same for a task that is made.
  bool spawn(Executor& executor, Task<void> task);

  std::stop_token token() const { return stop_.get_token(); }
  void request_stop() { stop_.request_stop(); }

  // Refuses new tasks and blocks this thread until all have ended. Not from inside one of them.
  void join();

 private:
  struct Runner;
  static Runner run(Scope& scope, Task<void> task);
  bool begin();
  void finished();

  std::stop_source stop_;
  Mutex mutex_;
  CondVar idle_;
  size_t live_ KILN_GUARDED_BY(mutex_) = 0;
  bool closed_ KILN_GUARDED_BY(mutex_) = false;
};

}  // namespace kiln
