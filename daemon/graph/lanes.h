// Lanes: what many threads write to, each to one of a few cache lines, so that they rarely meet.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kiln::graph {

constexpr size_t kLanes = 8;

// The lane of the calling thread. Two threads may share one.
inline size_t this_lane() {
  thread_local const char here = 0;
  // Thread-local storage of two threads is pages apart.
  return (reinterpret_cast<uintptr_t>(&here) >> 12) * 0x9E3779B97F4A7C15ull >> 61;
}
static_assert(kLanes == size_t{1} << (64 - 61));

}  // namespace kiln::graph
