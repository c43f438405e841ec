// Small strong types: numbers that must not be mixed up.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>

namespace kiln {

// One request of one client, unique within a daemon's life. 0 is no run.
struct RunId {
  uint64_t value = 0;
  friend auto operator<=>(const RunId&, const RunId&) = default;
};

// A piece of a run's work, unique within a daemon's life. 0 is none.
struct SpanId {
  uint64_t value = 0;
  friend auto operator<=>(const SpanId&, const SpanId&) = default;
};

// The watcher's clock: grows whenever something changed. Ordered within one daemon's life.
struct ClockTick {
  uint64_t value = 0;
  friend auto operator<=>(const ClockTick&, const ClockTick&) = default;
};

// A point on the monotonic clock.
using Deadline = std::chrono::steady_clock::time_point;

}  // namespace kiln

template <>
struct std::hash<kiln::RunId> {
  size_t operator()(kiln::RunId id) const noexcept { return std::hash<uint64_t>()(id.value); }
};
