// SlotQueue: who gets the next free slot.
//
// What:    slots are shared between runs: among those that wait, the run with the fewest processes
//          running goes first; of runs with equally many the one that was served least recently;
//          within a run, first come, first served. A run that comes ranks just before the one that
//          was served last: so it waits for what runs already and no more, and ever new small runs
//          do not starve a big one.
// Threads: single-owner; BoundedRunner locks.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "common/types/ids.h"

namespace kiln::exec {

class SlotQueue {
 public:
  using Ticket = uint64_t;  // in the order of arrival

  explicit SlotQueue(size_t slots) : free_(static_cast<int64_t>(slots)) {}

  Ticket enter(RunId run);
  // False if the ticket has been called already.
  bool leave(RunId run, Ticket ticket);
  // Takes a slot for the next in turn, if a slot is free and anybody waits; 0 if not.
  Ticket call_next();
  // Gives the slot of a called ticket back. `lent`: it is free already.
  void finish(RunId run, bool lent = false);
  // A called ticket whose process waits for others lets them have its slot; and has it again, at
  // once: until somebody finishes, more may run than there are slots.
  void lend() { ++free_; }
  void take_back() { --free_; }

  size_t waiting() const { return waiting_; }

 private:
  struct Run {
    size_t running = 0;
    uint64_t served = 0;  // when it got a slot last
    std::deque<Ticket> waiting;
  };
  using Runs = std::map<RunId, Run>;
  void drop_if_idle(Runs::iterator run);

  int64_t free_;  // negative while lent slots are used twice
  size_t waiting_ = 0;
  Ticket last_ticket_ = 0;
  uint64_t clock_ = 2;  // two steps for each slot given: runs that come stand in between
  Runs runs_;           // those that run or wait
};

}  // namespace kiln::exec
