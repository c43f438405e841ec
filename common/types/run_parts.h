// Ids of runs that are parts of another, as the processes of a batch are.
//
// Ids grow with time, so that of two runs the newer is known. The lower bits of a part's id are
// those of the whole, so that those who share something between clients can tell whose it is.
#pragma once

#include <cstdint>

#include "common/types/ids.h"

namespace kiln {

inline constexpr uint64_t kWholeMask = (uint64_t{1} << 20) - 1;

// The n-th id that is given out.
inline RunId nth_run(uint64_t n) { return {(n << 20) | (n & kWholeMask)}; }
// The same, of a part.
inline RunId nth_run(uint64_t n, RunId whole) { return {(n << 20) | (whole.value & kWholeMask)}; }
// Which one it was of those given out.
inline uint64_t number_of(RunId run) { return run.value >> 20; }
// Equal for a run and all its parts; for two others only if a million came between them.
inline RunId whole_of(RunId run) { return {(run.value & kWholeMask) + 1}; }

}  // namespace kiln
