// EvictionOrder: which value goes first.
//
// What:    GreedyDual-Size (Young 1994; Cao and Irani 1997): a value is worth the time to make it
//          again, by byte, on top of the level that memory was at when it came; the least goes, and
//          the level rises to it. So what is not used ages as others go, and what is dear to make
//          ages the slower. Values of like worth share a queue, where the oldest is the least, so
//          the next to go is at the head of one of a few queues (CAMP, Ghandeharizadeh et al.
//          2014).
// Threads: single-owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "daemon/graph/node.h"

namespace kiln::graph {

// The power of two nearest below (ticks / bytes), as the queue of that worth.
using Worth = uint8_t;

class EvictionOrder {
 public:
  struct Candidate {
    NodeId node = 0;
    Worth worth = 0;
  };

  static Worth worth_of(uint64_t ticks, uint64_t bytes);

  // As one that came, or was used, just now.
  void add(Candidate candidate);
  // The least, taken out. Whoever keeps it after all adds it again.
  std::optional<Candidate> take();
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(Entry); }

 private:
  struct Entry {
    double credit;  // the level that it goes at
    NodeId node;
  };
  static constexpr size_t kQueues = 64;

  std::array<std::deque<Entry>, kQueues> queues_;
  uint64_t filled_ = 0;  // a bit for each queue that is not empty
  double level_ = 0;
  size_t size_ = 0;
};

}  // namespace kiln::graph
