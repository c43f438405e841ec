#include "daemon/graph/eviction_order.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace kiln::graph {
namespace {

TEST(EvictionOrder, WorthIsTimeByByteInPowersOfTwo) {
  const Worth worth = EvictionOrder::worth_of(1 << 20, 1 << 10);
  EXPECT_EQ(EvictionOrder::worth_of(1 << 21, 1 << 10), worth + 1);
  EXPECT_EQ(EvictionOrder::worth_of(1 << 20, 1 << 12), worth - 2);
  EXPECT_EQ(EvictionOrder::worth_of(1 << 23, 1 << 13), worth);
}

TEST(EvictionOrder, WorthOfWhatIsExtremeIsTheFirstOrTheLast) {
  EXPECT_EQ(EvictionOrder::worth_of(0, UINT64_MAX), 0);
  EXPECT_EQ(EvictionOrder::worth_of(UINT64_MAX, 0), 63);
}

TEST(EvictionOrder, IsEmptyAtFirstAndAtLast) {
  EvictionOrder order;
  EXPECT_FALSE(order.take());
  order.add({1, 0});
  EXPECT_EQ(order.take()->node, 1u);
  EXPECT_FALSE(order.take());
  EXPECT_EQ(order.size(), 0u);
}

// GreedyDual as it is written down: everyone has a credit, the least goes.
class Naive {
 public:
  void add(EvictionOrder::Candidate candidate) {
    held_.push_back({level_ + std::pow(2.0, candidate.worth), candidate});
  }
  EvictionOrder::Candidate take() {
    size_t least = 0;
    for (size_t i = 1; i < held_.size(); ++i) {
      const auto& [credit, candidate] = held_[i];
      const auto& [least_credit, least_candidate] = held_[least];
      const bool tie = credit == least_credit && candidate.worth < least_candidate.worth;
      if (credit < least_credit || tie) least = i;
    }
    const auto [credit, candidate] = held_[least];
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(least));
    level_ = credit;
    return candidate;
  }
  size_t size() const { return held_.size(); }

 private:
  std::vector<std::pair<double, EvictionOrder::Candidate>> held_;
  double level_ = 0;
};

TEST(EvictionOrder, IsThatOfGreedyDual) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    const unsigned worths = 1 + seed;  // from all alike to worlds apart
    EvictionOrder order;
    Naive naive;
    for (NodeId n = 1; n <= 2000; ++n) {
      const EvictionOrder::Candidate candidate{n, static_cast<Worth>(random() % worths)};
      order.add(candidate);
      naive.add(candidate);
      for (unsigned goes = random() % 3; goes > 0 && naive.size() > 0; --goes) {
        const EvictionOrder::Candidate expected = naive.take();
        const auto taken = order.take();
        ASSERT_TRUE(taken);
        ASSERT_EQ(taken->node, expected.node) << "seed " << seed;
        ASSERT_EQ(taken->worth, expected.worth) << "seed " << seed;
      }
      ASSERT_EQ(order.size(), naive.size());
    }
  }
}

}  // namespace
}  // namespace kiln::graph
