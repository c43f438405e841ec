// Presence: who is inside, told apart by whether they entered before or after a turn.
//
// What:    what was taken away is freed when all who may have seen it are gone: those who had
//          entered when the turn came after it (the grace period of SRCU, McKenney 2006). Entering
//          and leaving cost one addition each, in lanes, so that threads rarely meet.
// Threads: thread-safe. Entering and leaving may be on different threads; one calls turn() and
//          drained(), at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "daemon/graph/lanes.h"

namespace kiln::graph {

// One of two; whoever enters between two turns is of the same.
using Party = uint8_t;
constexpr size_t kParties = 2;

class Presence {
 public:
  Party enter() {
    for (;;) {
      const Party party = current_.load(std::memory_order_seq_cst);
      lane().entered[party].fetch_add(1, std::memory_order_seq_cst);
      if (current_.load(std::memory_order_seq_cst) == party) [[likely]]
        return party;
      leave(party);  // a turn came in between, and may not have seen us
    }
  }
  void leave(Party party) { lane().left[party].fetch_add(1, std::memory_order_release); }

  // Whoever enters from now on is of the other party than those inside, which must be the only
  // ones: all of the turn before are gone.
  void turn() { current_.store(previous(), std::memory_order_seq_cst); }
  // The party before the last turn.
  Party previous() const { return 1 - current_.load(std::memory_order_relaxed); }
  // They are gone.
  bool drained() const {
    const Party party = previous();
    // Those who left are counted first: then nobody who is inside is missed.
    uint64_t left = 0;
    uint64_t entered = 0;
    for (const Lane& lane : lanes_) left += lane.left[party].load(std::memory_order_seq_cst);
    for (const Lane& lane : lanes_) entered += lane.entered[party].load(std::memory_order_seq_cst);
    return left == entered;
  }

 private:
  struct alignas(64) Lane {
    std::array<std::atomic<uint64_t>, kParties> entered{};
    std::array<std::atomic<uint64_t>, kParties> left{};
  };
  Lane& lane() { return lanes_[this_lane()]; }

  std::array<Lane, kLanes> lanes_;
  std::atomic<Party> current_{0};
};

// Inside, as long as this lives.
class Inside {
 public:
  explicit Inside(Presence& presence) : presence_(presence), party_(presence.enter()) {}
  ~Inside() { presence_.leave(party_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Presence& presence_;
  const Party party_;
};

}  // namespace kiln::graph
