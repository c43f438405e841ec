// Forgetting: nodes that nothing depends on and that nobody asked for go, whole.
//
// Edges and requests name nodes by place, and a place is used again. So this is done only while no
// request and no attempt is inside: then all that names a node is the graph itself, and of that
// only what a node depends on, what depends on it, and why it ran.
#include <algorithm>

#include "daemon/graph/engine.h"

namespace kiln::graph {

void Engine::note_size() {
  const uint64_t limit = forget_above_.load(std::memory_order_relaxed);
  if (limit != 0 && table_.size() > limit) crowded_.store(true, std::memory_order_relaxed);
}

// Two visits without a use in between, as for values: what was used since the last time stays.
void Engine::forget() {
  if (!presence_.close()) return;
  if (live_.idle()) {
    MutexLock lock(invalidation_);
    std::vector<NodeId> open;
    table_.for_each([&](Node& node) {
      NodeGuard guard(node.lock);
      if (is_forgettable(node)) open.push_back(node.id);
      return true;
    });
    uint64_t forgotten = 0;
    for (; !open.empty(); ++forgotten) {
      Node& node = table_.at(open.back());
      open.pop_back();
      forget(node, open);
    }
    table_.for_each([&](Node& node) {
      NodeGuard guard(node.lock);
      node.used = false;
      if (node.changed != 0 && table_.at(node.changed).is_vacant()) node.changed = 0;
      return true;
    });
    counters_.add(Count::kForgotten, static_cast<int64_t>(forgotten));
    // So that the visits cost little for each node that is made.
    const uint64_t left = table_.size();
    forget_above_.store(std::max(options_.node_budget, left + left / 2));
    crowded_.store(false);
  }
  presence_.open();
}

bool Engine::is_forgettable(const Node& node) {
  return !node.is_vacant() && node.state != State::kRunning && node.dependents.empty() &&
         !node.used;
}

// `next`: what nothing depends on any more, now that this node does not.
void Engine::forget(Node& node, std::vector<NodeId>& next) {
  Edges deps;
  {
    NodeGuard guard(node.lock);
    deps = std::move(node.deps);
    last_forgotten_ = std::max(last_forgotten_.load(), node.generation);
    if (node.value) {
      counters_.add(Count::kValueBytes, -static_cast<int64_t>(node.value->bytes()));
    }
  }
  counters_.add(Count::kEdges, -static_cast<int64_t>(deps.size()));
  for (const Edge& edge : deps) {
    Node& dep = table_.at(edge.node);
    NodeGuard guard(dep.lock);
    dep.drop_dependent(node.id);
    if (is_forgettable(dep)) next.push_back(dep.id);
  }
  table_.vacate(node);
}

}  // namespace kiln::graph
