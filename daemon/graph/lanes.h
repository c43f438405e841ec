// Lanes: what many threads write to, each to one of a few cache lines, so that they rarely meet.
#pragma once

#include <sched.h>

#include <cstddef>

namespace kiln::graph {

constexpr size_t kLanes = 8;

// The lane of the processor that the calling thread is on, now: two threads that share one are not
// at work at once, as a rule.
inline size_t this_lane() { return static_cast<unsigned>(::sched_getcpu()) % kLanes; }

}  // namespace kiln::graph
