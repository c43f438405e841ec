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
    ++stripe.entered;
  }
  // The last access to the engine.
  void leave(size_t stripe_hint) {
    Stripe& stripe = stripes_[stripe_hint % stripes_.size()];
    MutexLock lock(stripe.mutex);
    if (++stripe.left == stripe.entered) stripe.idle.notify_all();
  }
  // Blocks until all have left. Whoever enters meanwhile is waited for as well.
  void join() {
    for (Stripe& stripe : stripes_) {
      MutexLock lock(stripe.mutex);
      stripe.idle.wait(stripe.mutex,
                       [&]() KILN_REQUIRES(stripe.mutex) { return stripe.entered == stripe.left; });
    }
  }
  // True: none is there, unless somebody enters who is not one of these.
  bool idle() {
    // Those who left are counted first: then nobody is missed whom another brought in meanwhile.
    uint64_t left = 0;
    uint64_t entered = 0;
    for (Stripe& stripe : stripes_) {
      MutexLock lock(stripe.mutex);
      left += stripe.left;
    }
    for (Stripe& stripe : stripes_) {
      MutexLock lock(stripe.mutex);
      entered += stripe.entered;
    }
    return left == entered;
  }

 private:
  struct alignas(64) Stripe {
    Mutex mutex;
    CondVar idle;
    uint64_t entered KILN_GUARDED_BY(mutex) = 0;
    uint64_t left KILN_GUARDED_BY(mutex) = 0;
  };
  std::array<Stripe, 16> stripes_;
};

}  // namespace kiln::graph
