// ChangeBell: tells whoever waits that something on disk has changed.
//
// Threads: thread-safe. Waiters resume on the executor given at construction.
// Cancels: wait() ends when its stop token fires.
#pragma once

#include <cstdint>
#include <list>
#include <stop_token>

#include "common/base/sync.h"
#include "daemon/async/executor.h"
#include "daemon/async/one_shot.h"
#include "daemon/async/task.h"

namespace kiln::intrinsics {

class ChangeBell {
 public:
  explicit ChangeBell(Executor& home) : home_(home) {}

  void ring();
  // How often it has rung.
  uint64_t rung() const;
  // Until it has rung more often than `seen`, or `stop` fires.
  Task<void> wait(uint64_t seen, std::stop_token stop);

 private:
  using Waiters = std::list<OneShot<bool>*>;
  struct State {
    uint64_t rung = 0;
    Waiters waiters;
  };
  // Wakes the waiter, if it still waits.
  void leave(OneShot<bool>& waiter);

  Executor& home_;
  Synchronized<State> state_;
};

}  // namespace kiln::intrinsics
