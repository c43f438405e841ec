// Forgetting: nodes that nothing depends on and that nobody looked up for long go, whole.
//
// In pieces of bounded work that the executor runs between others, while requests go on. That takes
// two precautions, as a node may be known by a pointer or by its id.
// Who looked it up may be about to use it. A node is forgotten in sweep s if it was not looked up
// since sweep s-1 began. Whoever was inside at the end of that sweep has left since, and whoever
// entered later notes s-1 or s: so nobody is inside who looked it up.
//
// Who read its id from an edge that is no more may be about to use that: an attempt that was
// abandoned while it re-checked, or an invalidation on its way up. So the place of a node that is
// gone is left as it is until all who were inside when it went have left.
//
// An attempt is of the party of the request that led to it: so a party is gone when its requests
// and all that they started are.
#include <algorithm>

#include "daemon/graph/engine.h"

namespace kiln::graph {

namespace {

constexpr int kVisits = 512;  // of one piece of work

}  // namespace

void Engine::note_size() {
  const uint64_t limit = forget_above_.load(std::memory_order_relaxed);
  if (limit == 0) return;
  if (!sweeping_.load(std::memory_order_relaxed) && table_.weight() <= limit) return;
  if (!sweep_posted_.exchange(true)) post_sweep();
}

void Engine::post_sweep() {
  live_.enter(kHousekeeping);
  executor_.post([this] {
    bool more = false;
    {
      MutexLock lock(forgetting_);
      more = !closing_.load(std::memory_order_acquire) && sweep();
    }
    if (more) {
      post_sweep();
    } else {
      sweep_posted_.store(false);
    }
    live_.leave(kHousekeeping);
  });
}

// A piece of the work; false if there is nothing to do for now.
bool Engine::sweep() {
  switch (sweep_.phase) {
    case Sweep::Phase::kResting:
      if (table_.weight() <= forget_above_.load()) return false;
      sweeping_.store(true);
      table_.begin_sweep();
      sweep_.cursor = 0;
      sweep_.phase = Sweep::Phase::kVisiting;
      return true;
    case Sweep::Phase::kVisiting:
      for (int visits = kVisits; visits > 0; --visits) {
        if (!visit_next()) {
          presence_.turn();
          // So that the visits cost little for each node that is made.
          forget_above_.store(std::max(options_.node_budget, table_.weight() * 3 / 2));
          sweep_.phase = Sweep::Phase::kDraining;
          break;
        }
      }
      return true;
    case Sweep::Phase::kDraining:
      // Requests first: attempts are started by these, or by each other.
      if (!presence_.drained() || !live_.drained(presence_.previous())) return false;
      sweep_.phase = Sweep::Phase::kReclaiming;
      return true;
    case Sweep::Phase::kReclaiming:
      for (int visits = kVisits; visits > 0 && !sweep_.gone.empty(); --visits) {
        table_.reclaim(table_.at(sweep_.gone.back()));
        sweep_.gone.pop_back();
      }
      if (!sweep_.gone.empty()) return true;
      sweep_.phase = Sweep::Phase::kResting;
      sweeping_.store(false);
      return true;
  }
  return false;
}

bool Engine::visit_next() {
  Node* node = nullptr;
  if (sweep_.next.empty()) {
    node = table_.after(sweep_.cursor);
    if (node == nullptr) return false;
    sweep_.cursor = node->id;
  } else {
    node = &table_.at(sweep_.next.back());
    sweep_.next.pop_back();
  }
  table_.keep_stale(*node);
  if (may_forget(*node)) forget(*node);
  return true;
}

bool Engine::may_forget(const Node& node) const {
  NodeGuard guard(node.lock);
  return is_forgettable(node) && table_.is_stale(node);
}

bool Engine::is_forgettable(const Node& node) {
  return !node.gone && node.state != State::kRunning && node.dependents.empty();
}

void Engine::forget(Node& node) {
  Edges deps;
  ValueRef value;
  const auto take = [&](Node& going) KILN_REQUIRES(going.lock) {
    if (!is_forgettable(going)) return false;
    deps = std::exchange(going.deps, Edges());
    if (going.value) value = drop_value(going);
    last_forgotten_.store(std::max(last_forgotten_.load(), going.generation));
    return true;
  };
  if (!table_.forget(node, take)) return;
  sweep_.gone.push_back(node.id);
  counters_.add(Count::kForgotten);
  counters_.add(Count::kEdges, -static_cast<int64_t>(deps.size()));
  for (const Edge& edge : deps) {
    Node& dep = table_.at(edge.node);
    NodeGuard guard(dep.lock);
    dep.drop_dependent(node.id);
    // What only this depended on is looked at again, wherever the visits are.
    if (dep.dependents.empty()) sweep_.next.push_back(dep.id);
  }
}

}  // namespace kiln::graph
