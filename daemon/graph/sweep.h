// Sweep: how far forgetting has come, from one piece of work to the next.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/graph/node.h"

namespace kiln::graph {

struct Sweep {
  enum class Phase : uint8_t {
    kResting,     // → Visiting, when there are too many nodes
    kVisiting,    // goes over all places and forgets what may go           → Draining
    kDraining,    // waits until nobody is inside who may know what is gone → Reclaiming
    kReclaiming,  // frees the places                                       → Resting
  };
  Phase phase = Phase::kResting;
  NodeId cursor = 0;  // the place visited last
  std::vector<NodeId>
      next;  // to visit before that goes on: they may have lost their last dependent
  std::vector<NodeId> gone;  // forgotten and not reclaimed
};

}  // namespace kiln::graph
