// LiveCount: how many coroutines still use the engine, for its destructor to wait for; and of a
// party (presence.h), for who frees what they know.
//
// Counted in stripes, so that threads at work on different nodes rarely meet.
// Threads: thread-safe.
#pragma once

#include <array>
#include <cstddef>

#include "common/base/sync.h"
#include "daemon/graph/presence.h"

namespace kiln::graph {

// Of whoever knows no node but by what the engine itself keeps.
constexpr Party kHousekeeping = kParties;

class LiveCount {
 public:
  void enter(size_t stripe_hint, Party party) {
    Stripe& stripe = stripes_[stripe_hint % stripes_.size()];
    MutexLock lock(stripe.mutex);
    ++stripe.entered[party];
    ++stripe.inside;
  }
  // The last access to the engine.
  void leave(size_t stripe_hint, Party party) {
    Stripe& stripe = stripes_[stripe_hint % stripes_.size()];
    MutexLock lock(stripe.mutex);
    ++stripe.left[party];
    if (--stripe.inside == 0) stripe.idle.notify_all();
  }
  // Blocks until all have left. Whoever enters meanwhile is waited for as well.
  void join() {
    for (Stripe& stripe : stripes_) {
      MutexLock lock(stripe.mutex);
      stripe.idle.wait(stripe.mutex,
                       [&]() KILN_REQUIRES(stripe.mutex) { return stripe.inside == 0; });
    }
  }
  // True: none of the party is there, unless somebody enters whom none of these brought in.
  bool drained(Party party) {
    // Those who left are counted first: then nobody is missed whom another brought in meanwhile.
    uint64_t left = 0;
    uint64_t entered = 0;
    for (Stripe& stripe : stripes_) {
      MutexLock lock(stripe.mutex);
      left += stripe.left[party];
    }
    for (Stripe& stripe : stripes_) {
      MutexLock lock(stripe.mutex);
      entered += stripe.entered[party];
    }
    return left == entered;
  }

 private:
  struct alignas(64) Stripe {
    Mutex mutex;
    CondVar idle;
    // A stripe on which one enters and another, whom the first brought in, leaves may be seen
    // between the two: so both are counted, and not the difference.
    std::array<uint64_t, kParties + 1> entered KILN_GUARDED_BY(mutex) = {};
    std::array<uint64_t, kParties + 1> left KILN_GUARDED_BY(mutex) = {};
    uint64_t inside KILN_GUARDED_BY(mutex) = 0;
  };
  std::array<Stripe, 16> stripes_;
};

}  // namespace kiln::graph
