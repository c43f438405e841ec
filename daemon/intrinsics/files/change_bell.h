// ChangeBell: tells whoever waits that something on disk has changed, or that it is time to look at
// what nobody tells of.
//
// Owns:    a thread that keeps the time. It sleeps while nobody waits.
// Threads: thread-safe. Waiters resume on the executor given at construction.
// Cancels: wait() ends when its stop token fires.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <stop_token>
#include <thread>

#include "common/base/sync.h"
#include "daemon/async/executor.h"
#include "daemon/async/one_shot.h"
#include "daemon/async/task.h"

namespace kiln::intrinsics {

class ChangeBell {
 public:
  explicit ChangeBell(Executor& home);
  // Nobody waits any more.
  ~ChangeBell();
  ChangeBell(const ChangeBell&) = delete;
  ChangeBell& operator=(const ChangeBell&) = delete;

  void ring();
  // How often it has rung.
  uint64_t rung() const;
  // Until it has rung more often than `seen`, `at_most` has passed, or `stop` fires.
  Task<void> wait(uint64_t seen, std::chrono::milliseconds at_most, std::stop_token stop);

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiter {
    OneShot<bool>* woken;
    Clock::time_point until;
  };
  using Waiters = std::list<Waiter>;
  // Wakes the waiter, if it still waits.
  void leave(OneShot<bool>& woken);
  void wake(const Waiters& waiters);
  // Until the destructor.
  void keep_time();
  // Takes those whose time has come, and says when that of the next comes.
  Clock::time_point take_due(Waiters& due) KILN_REQUIRES(mutex_);

  Executor& home_;
  mutable Mutex mutex_;
  CondVar earlier_;
  uint64_t rung_ KILN_GUARDED_BY(mutex_) = 0;
  Waiters waiters_ KILN_GUARDED_BY(mutex_);
  bool ends_ KILN_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kiln::intrinsics
