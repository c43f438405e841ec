#include "daemon/graph/eviction_order.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kiln::graph {

// A byte that takes no time to make is in the first queue, a gigabyte that takes a millisecond too.
Worth EvictionOrder::worth_of(uint64_t ticks, uint64_t bytes) {
  constexpr int kFirst = -10;  // a tick for a kibibyte
  const int log = static_cast<int>(std::bit_width(ticks)) - static_cast<int>(std::bit_width(bytes));
  return static_cast<Worth>(std::clamp(log - kFirst, 0, static_cast<int>(kQueues) - 1));
}

void EvictionOrder::add(Candidate candidate) {
  queues_[candidate.worth].push_back({level_ + std::ldexp(1.0, candidate.worth), candidate.node});
  filled_ |= uint64_t{1} << candidate.worth;
  ++size_;
}

std::optional<EvictionOrder::Candidate> EvictionOrder::take() {
  if (filled_ == 0) return std::nullopt;
  auto least = static_cast<Worth>(std::countr_zero(filled_));
  for (uint64_t rest = filled_ & (filled_ - 1); rest != 0; rest &= rest - 1) {
    const auto worth = static_cast<Worth>(std::countr_zero(rest));
    if (queues_[worth].front().credit < queues_[least].front().credit) least = worth;
  }
  auto& queue = queues_[least];
  const Entry entry = queue.front();
  queue.pop_front();
  if (queue.empty()) filled_ &= ~(uint64_t{1} << least);
  --size_;
  level_ = entry.credit;
  return Candidate{entry.node, least};
}

}  // namespace kiln::graph
