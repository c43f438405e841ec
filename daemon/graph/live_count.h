// LiveCount: how many coroutines still use the engine, for its destructor to wait for.
//
// Counted in stripes, so that threads at work on different nodes rarely meet.
// Threads: thread-safe.
#pragma once

#include <array>
#include <cstddef>

#include "common/base/sync.h"

namespace kiln::graph {

class LiveCount {
 public:
  void enter(size_t stripe_hint) {
    Stripe& stripe = stripes_[stripe_hint % stripes_.size()];
    MutexLock lock(stripe.mutex);
    ++stripe.live;
  }
  // The last access to the engine.
  void leave(size_t stripe_hint) {
    Stripe& stripe = stripes_[stripe_hint % stripes_.size()];
    MutexLock lock(stripe.mutex);
    if (--stripe.live == 0) stripe.idle.notify_all();
  }
  // Blocks until all have left. Whoever enters meanwhile is waited for as well.
  void join() {
    for (Stripe& stripe : stripes_) {
      MutexLock lock(stripe.mutex);
      stripe.idle.wait(stripe.mutex,
                       [&]() KILN_REQUIRES(stripe.mutex) { return stripe.live == 0; });
    }
  }

 private:
  struct alignas(64) Stripe {
    Mutex mutex;
    CondVar idle;
    size_t live KILN_GUARDED_BY(mutex) = 0;
  };
  std::array<Stripe, 16> stripes_;
};

}  // namespace kiln::graph
