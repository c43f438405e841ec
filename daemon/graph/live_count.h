// LiveCount: how many coroutines still use the engine, for its destructor to wait for; and of a
// party (presence.h), for who frees what they know.
//
// Threads: thread-safe. Entering and leaving may be on different threads.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "common/base/sync.h"
#include "daemon/graph/lanes.h"
#include "daemon/graph/presence.h"

namespace kiln::graph {

// Of whoever knows no node but by what the engine itself keeps.
constexpr Party kHousekeeping = kParties;

class LiveCount {
 public:
  void enter(Party party) {
    lanes_[this_lane()].entered[party].fetch_add(1, std::memory_order_relaxed);
  }
  // The last access to the engine.
  void leave(Party party) {
    if (closing_.load(std::memory_order_relaxed)) [[unlikely]] {
      MutexLock lock(mutex_);
      count_out(party);
      left_.notify_all();
    } else {
      count_out(party);
    }
  }
  // Blocks until all have left. Whoever enters meanwhile is waited for as well.
  void join() {
    closing_.store(true, std::memory_order_relaxed);
    MutexLock lock(mutex_);
    // Who did not see that we wait tells nobody.
    while (!all_left()) left_.wait_for(mutex_, std::chrono::milliseconds(1));
  }
  // True: none of the party is there, unless somebody enters whom none of these brought in.
  bool drained(Party party) const {
    // Those who left are counted first: whom one of them brought in had entered before.
    uint64_t left = 0;
    uint64_t entered = 0;
    for (const Lane& lane : lanes_) left += lane.left[party].load(std::memory_order_acquire);
    for (const Lane& lane : lanes_) entered += lane.entered[party].load(std::memory_order_relaxed);
    return left == entered;
  }

 private:
  struct alignas(64) Lane {
    std::array<std::atomic<uint64_t>, kParties + 1> entered{};
    std::array<std::atomic<uint64_t>, kParties + 1> left{};
  };
  void count_out(Party party) {
    lanes_[this_lane()].left[party].fetch_add(1, std::memory_order_release);
  }
  bool all_left() const {
    // Housekeeping last: it brings in nobody else, but others bring it in.
    for (Party party = 0; party <= kHousekeeping; ++party) {
      if (!drained(party)) return false;
    }
    return true;
  }

  std::array<Lane, kLanes> lanes_;
  std::atomic<bool> closing_{false};
  Mutex mutex_;
  CondVar left_;
};

}  // namespace kiln::graph
