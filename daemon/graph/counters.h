// Counters that threads bump without meeting: each thread adds to one of a few cache lines.
// Threads: thread-safe. Sums are exact when nothing runs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace kiln::graph {

enum class Count : uint8_t {
  kRequests,
  kCleanHits,
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
    lanes_[lane()].counts[static_cast<size_t>(count)].fetch_add(n, std::memory_order_relaxed);
  }
  uint64_t sum(Count count) const {
    int64_t total = 0;
    for (const Lane& lane : lanes_) {
      total += lane.counts[static_cast<size_t>(count)].load(std::memory_order_relaxed);
    }
    return total < 0 ? 0 : static_cast<uint64_t>(total);
  }

 private:
  static constexpr size_t kLanes = 8;
  struct alignas(64) Lane {
    std::array<std::atomic<int64_t>, static_cast<size_t>(Count::kValueBytes) + 1> counts{};
  };
  static size_t lane() {
    thread_local const char here = 0;
    // Thread-local storage of two threads is pages apart.
    return (reinterpret_cast<uintptr_t>(&here) >> 12) * 0x9E3779B97F4A7C15ull >> 61;
  }

  std::array<Lane, kLanes> lanes_;
};

}  // namespace kiln::graph
