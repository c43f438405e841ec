// RunningWork: what runs for a request right now, as one line for the terminal.
// Threads: single-owner.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "kiln/v1/events.pb.h"

namespace kiln {

class RunningWork {
 public:
  using Clock = std::chrono::steady_clock;

  void take(const v1::Event& event, Clock::time_point now);
  // "1.2s  Lint a.sh with shellcheck  (and 3 more)": what has run longest. Nothing while nothing
  // has run for long enough to be worth a line.
  std::optional<std::string> line(Clock::time_point now) const;

 private:
  struct Work {
    std::string description;
    Clock::time_point since;
  };
  std::map<uint64_t, Work> running_;  // by span; spans grow, so the first is the oldest
};

}  // namespace kiln
