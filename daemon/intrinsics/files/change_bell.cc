#include "daemon/intrinsics/files/change_bell.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace kiln::intrinsics {

ChangeBell::ChangeBell(Executor& home) : home_(home), thread_([this] { keep_time(); }) {}

ChangeBell::~ChangeBell() {
  {
    MutexLock lock(mutex_);
    ends_ = true;
    earlier_.notify_one();
  }
  thread_.join();
}

void ChangeBell::ring() {
  Waiters woken;
  {
    MutexLock lock(mutex_);
    ++rung_;
    woken = std::exchange(waiters_, {});
  }
  wake(woken);
}

// Elsewhere: whoever rings holds the watcher.
void ChangeBell::wake(const Waiters& waiters) {
  for (const Waiter& waiter : waiters) {
    home_.post([woken = waiter.woken] { woken->set(true); });
  }
}

uint64_t ChangeBell::rung() const {
  MutexLock lock(mutex_);
  return rung_;
}

Task<void> ChangeBell::wait(uint64_t seen, std::chrono::milliseconds at_most,
                            std::stop_token stop) {
  OneShot<bool> woken;
  {
    MutexLock lock(mutex_);
    if (rung_ > seen) co_return;
    waiters_.push_back({&woken, Clock::now() + at_most});
    earlier_.notify_one();
  }
  const auto leave = [this, &woken] { this->leave(woken); };
  const std::stop_callback<decltype(leave)> on_stop(std::move(stop), leave);
  co_await woken;
}

void ChangeBell::leave(OneShot<bool>& woken) {
  {
    MutexLock lock(mutex_);
    const auto it = std::find_if(waiters_.begin(), waiters_.end(),
                                 [&](const Waiter& waiter) { return waiter.woken == &woken; });
    if (it == waiters_.end()) return;
    waiters_.erase(it);
  }
  home_.post([&woken] { woken.set(true); });
}

ChangeBell::Clock::time_point ChangeBell::take_due(Waiters& due) {
  const Clock::time_point now = Clock::now();
  Clock::time_point next = Clock::time_point::max();
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    const auto at = it++;
    if (at->until <= now) {
      due.splice(due.end(), waiters_, at);
    } else {
      next = std::min(next, at->until);
    }
  }
  return next;
}

void ChangeBell::keep_time() {
  ::pthread_setname_np(::pthread_self(), "kiln-bell");
  for (;;) {
    Waiters due;
    {
      MutexLock lock(mutex_);
      if (ends_) return;
      const Clock::time_point next = take_due(due);
      if (due.empty()) {
        if (next == Clock::time_point::max()) {
          earlier_.wait(mutex_,
                        [this]() KILN_REQUIRES(mutex_) { return ends_ || !waiters_.empty(); });
        } else {
          earlier_.wait_for(mutex_, next - Clock::now());
        }
      }
    }
    wake(due);
  }
}

}  // namespace kiln::intrinsics
