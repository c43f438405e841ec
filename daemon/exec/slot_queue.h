// SlotQueue: who gets the next free slot.
//
// What:    slots are shared between runs: among those that wait, the run with the fewest processes
//          running goes first; runs with equally many take turns by who waited longest; within a
//          run, first come, first served.
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

  explicit SlotQueue(size_t slots) : free_(slots) {}

  Ticket enter(RunId run);
  // False if the ticket has been called already.
  bool leave(RunId run, Ticket ticket);
  // Takes a slot for the next in turn, if a slot is free and anybody waits; 0 if not.
  Ticket call_next();
  // Gives the slot of a called ticket back.
  void finish(RunId run);

  size_t waiting() const { return waiting_; }

 private:
  struct Run {
    size_t running = 0;
    std::deque<Ticket> waiting;
  };
  using Runs = std::map<RunId, Run>;
  void drop_if_idle(Runs::iterator run);

  size_t free_;
  size_t waiting_ = 0;
  Ticket last_ticket_ = 0;
  Runs runs_;  // those that run or wait
};

}  // namespace kiln::exec
