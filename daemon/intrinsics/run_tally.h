// RunTally: how often something has happened in one run.
//
// What:    a bound for what is repeated on behalf of a run: a process whose outputs are missing is
//          made again once, one whose tool changes a few times.
// Threads: thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>

#include "common/base/sync.h"
#include "common/types/hash.h"
#include "common/types/ids.h"

namespace kiln::intrinsics {

class RunTally {
 public:
  // How often this was called for `what` in `run`, this call included.
  int count(const Hash128& what, RunId run) {
    return tallies_.with([&](auto& tallies) {
      // Both are rare. To forget some costs a repetition at most.
      if (tallies.size() == kMost && !tallies.contains(what)) tallies.clear();
      Tally& tally = tallies[what];
      if (tally.run != run) tally = {run, 0};
      return ++tally.times;
    });
  }

 private:
  static constexpr size_t kMost = 10'000;
  struct Tally {
    RunId run;
    int times = 0;
  };
  Synchronized<absl::flat_hash_map<Hash128, Tally>> tallies_;
};

}  // namespace kiln::intrinsics
