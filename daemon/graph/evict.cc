// Eviction: values go, least recently used first; keys, dependencies and generations stay.
#include "daemon/graph/engine.h"

namespace kiln::graph {

// The clock algorithm (Corbató 1968): a hand goes round the nodes; a value that was read since its
// last visit gets another round, any other goes. Values in the hands of waiters live until they
// are done with them.
void Engine::evict() {
  const uint64_t cap = options_.value_bytes_cap;
  if (cap == 0 || counters_.sum(Count::kValueBytes) <= cap) return;
  if (!eviction_.try_lock()) return;  // somebody is at it
  uint64_t bytes = counters_.sum(Count::kValueBytes);
  for (uint64_t visits = 2 * table_.size() + 1; visits > 0 && bytes > cap; --visits) {
    Node* node = table_.next_round(hand_);
    if (node == nullptr) break;
    hand_ = node->id;
    ValueRef dropped;
    {
      NodeGuard guard(node->lock);
      if (node->state == State::kRunning || !node->value) continue;
      if (node->used) {
        node->used = false;
        continue;
      }
      dropped = std::exchange(node->value, ValueRef());
    }
    const size_t freed = dropped->bytes();
    bytes -= std::min<uint64_t>(bytes, freed);
    counters_.add(Count::kValueBytes, -static_cast<int64_t>(freed));
    counters_.add(Count::kEvicted);
  }
  eviction_.unlock();
}

}  // namespace kiln::graph
