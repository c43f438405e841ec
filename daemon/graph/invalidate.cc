// Push dirty: from the named nodes up, as far as anything is believed.
#include "daemon/graph/engine.h"

namespace kiln::graph {

// Marks one node. True: it was believed until now, and so its dependents are next.
bool Engine::mark(Node& node, NodeId cause, std::vector<NodeId>& next) {
  if (node.state == State::kClean) {
    enter(node, State::kDirty);
  } else if (node.state == State::kRunning && !node.work.attempt->hit) {
    node.work.attempt->hit = true;
    node.work.attempt->hit_by = cause;
  } else {
    return false;
  }
  next.insert(next.end(), node.dependents.begin(), node.dependents.end());
  return true;
}

size_t Engine::invalidate(std::span<const Hash128> keys) {
  // One at a time: what another invalidation has marked may not have reached its dependents yet.
  MutexLock lock(invalidation_);
  const Inside inside(presence_);
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  size_t named = 0;
  int64_t dirtied = 0;
  std::vector<NodeId> level;
  std::vector<NodeId> next;
  for (const Hash128& hash : keys) {
    Node* node = table_.find(hash);
    if (node == nullptr) continue;
    ++named;
    {
      NodeGuard guard(node->lock);
      if (node->state != State::kIdle) node->forced = true;
      mark(*node, node->id, next);
    }
    // Breadth first, so that the nodes to visit can be fetched from memory ahead of time.
    while (!next.empty()) {
      level.swap(next);
      next.clear();
      constexpr size_t kAhead = 8;
      for (size_t i = 0; i < level.size(); ++i) {
        if (i + kAhead < level.size()) __builtin_prefetch(&table_.at(level[i + kAhead]).lock);
        Node& dependent = table_.at(level[i]);
        NodeGuard guard(dependent.lock);
        const bool was_clean = dependent.state == State::kClean;
        if (mark(dependent, node->id, next) && was_clean) ++dirtied;
      }
    }
  }
  counters_.add(Count::kInvalidated, static_cast<int64_t>(named));
  counters_.add(Count::kDirtied, dirtied);
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  return named;
}

}  // namespace kiln::graph
