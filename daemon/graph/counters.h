// Counters that threads bump without meeting: each thread adds to one of a few cache lines.
// Threads: thread-safe. Sums are exact when nothing runs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "daemon/graph/lanes.h"

namespace kiln::graph {

enum class Count : uint8_t {
  kAtHand,     // gets that were answered without waiting,
  kRequests,   // the others, and requests; but for what NodeTable::answer() counts,
  kCleanHits,  // and of these what turned out to be Clean
  kCleaned,
  kRan,
  kCutOff,
  kJoined,
  kCancelled,
  kInvalidated,
  kDirtied,
  kEvicted,
  kForgotten,
  kEdges,       // now
  kValueBytes,  // now
};

class Counters {
 public:
  void add(Count count, int64_t n = 1) {
    lanes_[this_lane()].counts[static_cast<size_t>(count)].fetch_add(n, std::memory_order_relaxed);
  }
  uint64_t sum(Count count) const {
    int64_t total = 0;
    for (const Lane& lane : lanes_) {
      total += lane.counts[static_cast<size_t>(count)].load(std::memory_order_relaxed);
    }
    return total < 0 ? 0 : static_cast<uint64_t>(total);
  }

 private:
  struct alignas(64) Lane {
    std::array<std::atomic<int64_t>, static_cast<size_t>(Count::kValueBytes) + 1> counts{};
  };

  std::array<Lane, kLanes> lanes_;
};

}  // namespace kiln::graph
