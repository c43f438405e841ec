// RunningWork: the processes of a request, as live lines for the terminal and as a summary.
// Threads: single-owner.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "client/work_tally.h"
#include "kiln/v1/events.pb.h"

namespace kiln {

class RunningWork {
 public:
  using Clock = std::chrono::steady_clock;

  void take(const v1::Event& event, Clock::time_point now);
  // "[12/40] 9 ran, 3 cached, 26 waiting", if there is more than one process, then a line for each
  // that runs: "1.2s  Lint a.sh with shellcheck". At most `rows`, the last of which tells of how
  // many more there would be. Nothing while nothing has run for long enough to be worth it.
  std::vector<std::string> lines(Clock::time_point now, size_t rows) const;

  const WorkTally& tally() const { return tally_; }

 private:
  struct Work {
    std::string description;
    Clock::time_point since;
    bool waits = false;  // for a slot
  };
  std::string overview(size_t waiting) const;

  std::map<uint64_t, Work> running_;  // by span; spans grow, so the first is the oldest
  WorkTally tally_;
};

}  // namespace kiln
