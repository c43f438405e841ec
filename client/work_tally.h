// WorkTally: how much of a request had to be done, and how much was known.
// Threads: single-owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kiln/v1/events.pb.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

class WorkTally {
 public:
  // One process of a batch.
  void add(const v1::ProcessResult& result);
  // What a run tells of a process; other events do not count.
  void add(const v1::Event& event);

  uint64_t done() const { return ran_ + cached_; }
  uint64_t ran() const { return ran_; }
  uint64_t cached() const { return cached_; }
  // "3 processes ran, 37 cached, in 0.52s (saved 12.1s)"; "nothing had to run, in 0.01s".
  std::string summary(double seconds) const;

 private:
  uint64_t ran_ = 0;
  uint64_t cached_ = 0;
  double saved_seconds_ = 0;  // of what is cached, as far as it is known
};

// How the events of processes are named.
inline constexpr std::string_view kProcessEvent = "run_process";

}  // namespace kiln
