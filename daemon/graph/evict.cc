// Eviction: values go, cheap and long unused ones first; keys, dependencies and generations stay.
#include <algorithm>
#include <bit>
#include <chrono>

#include "daemon/graph/engine.h"

namespace kiln::graph {

namespace {

// Of one piece of work. More is left to the next.
constexpr int kVisits = 128;
// Whoever has more dependencies than this is dear by its own time, as a rule.
constexpr size_t kDependenciesSeen = 8;

uint64_t ticks_of(uint8_t cost) { return cost == 0 ? 0 : uint64_t{1} << (cost - 1); }

}  // namespace

// A value came to `node`, after so many ticks of its function's own work.
void Engine::note_value(Node& node, uint64_t ticks) {
  const size_t bytes = node.value->bytes();
  counters_.add(Count::kValueBytes, static_cast<int64_t>(bytes));
  if (options_.value_bytes_cap == 0) return;
  node.cost = static_cast<uint8_t>(std::bit_width(ticks));
  node.used = node.queued;
  if (node.queued) return;
  node.queued = true;
  MutexLock lock(arrivals_mutex_);
  arrivals_.push_back({node.id, EvictionOrder::worth_of(ticks, bytes)});
}

void Engine::evict() {
  const uint64_t cap = options_.value_bytes_cap;
  if (cap == 0 || counters_.sum(Count::kValueBytes) <= cap) return;
  if (!eviction_.try_lock()) return;  // somebody is at it
  {
    MutexLock lock(arrivals_mutex_);
    for (const auto& arrival : arrivals_) order_.add(arrival);
    arrivals_.clear();
  }
  int visits = kVisits;
  for (; visits > 0 && counters_.sum(Count::kValueBytes) > cap; --visits) {
    const auto candidate = order_.take();
    if (!candidate) break;
    if (const auto worth = evict(*candidate)) order_.add({candidate->node, *worth});
  }
  eviction_.unlock();
  if (visits > 0 || evicting_.exchange(true)) return;
  // The rest when others had their turn.
  live_.enter(kHousekeeping);
  executor_.post([this] {
    evicting_.store(false);
    evict();
    live_.leave(kHousekeeping);
  });
}

// The worth of what stays; nothing if it went, or had gone.
std::optional<Worth> Engine::evict(EvictionOrder::Candidate candidate) {
  // The place may be another node's by now, or nobody's: it is the place that is in the order.
  Node& node = table_.at(candidate.node);
  absl::InlinedVector<NodeId, kDependenciesSeen> deps;
  uint64_t ticks = 0;
  {
    NodeGuard guard(node.lock);
    node.queued = static_cast<bool>(node.value);
    if (!node.value) return std::nullopt;
    ticks = ticks_of(node.cost);
    if (node.used || node.state == State::kRunning) {
      node.used = false;
      return EvictionOrder::worth_of(ticks, node.value->bytes());
    }
    for (const Edge& edge : node.deps) {
      if (deps.size() == kDependenciesSeen) break;
      deps.push_back(edge.node);
    }
  }
  // To run again it needs the values of its dependencies, too.
  for (const NodeId id : deps) {
    Node& dep = table_.at(id);
    NodeGuard guard(dep.lock);
    if (!dep.value) ticks += ticks_of(dep.cost);
  }
  ValueRef dropped;
  NodeGuard guard(node.lock);
  node.queued = static_cast<bool>(node.value);
  if (!node.value) return std::nullopt;
  const Worth worth = EvictionOrder::worth_of(ticks, node.value->bytes());
  if (worth > candidate.worth || node.used || node.state == State::kRunning) return worth;
  node.queued = false;
  dropped = drop_value(node);
  counters_.add(Count::kEvicted);
  return std::nullopt;
}

ValueRef Engine::drop_value(Node& node) {
  counters_.add(Count::kValueBytes, -static_cast<int64_t>(node.value->bytes()));
  return std::exchange(node.value, ValueRef());
}

uint64_t processor_ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

void Engine::start_clock(Attempt& attempt) const {
  if (options_.value_bytes_cap != 0) attempt.worked = options_.ticks() - attempt.worked;
}

void Engine::stop_clock(Attempt& attempt) const {
  if (options_.value_bytes_cap == 0) return;
  // On another processor the counter may be a little behind.
  const auto worked = static_cast<int64_t>(options_.ticks() - attempt.worked);
  attempt.worked = static_cast<uint64_t>(std::max(worked, int64_t{0}));
}

}  // namespace kiln::graph
