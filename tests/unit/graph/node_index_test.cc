#include "daemon/graph/node_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace kiln::graph {
namespace {

TEST(NodeIndex, FindsNothingWhileItIsEmpty) {
  const NodeIndex index;
  EXPECT_EQ(index.find(Hash128{1, 2}, [](NodeId) { return true; }), 0u);
}

// Few distinct tags and neighbouring ones, so that rows of entries form, wrap and are torn open.
TEST(NodeIndex, HoldsWhatAMapHoldsThroughGrowthAndErasure) {
  std::mt19937 random(1);
  NodeIndex index;
  std::map<uint32_t, Hash128> there;
  NodeId newest = 0;
  for (int round = 0; round < 20'000; ++round) {
    const bool grows = round / 2'000 % 2 == 0;
    if (there.empty() || (random() % 3 == 0) != grows) {
      // Of both ends of every table.
      const Hash128 hash{random() % 64 + (random() % 2 == 0 ? 0 : 0xFFFF'FFC0u), random()};
      there.emplace(++newest, hash);
      index.insert(hash, newest);
    } else {
      auto gone = there.lower_bound(static_cast<uint32_t>(random() % newest));
      if (gone == there.end()) gone = there.begin();
      index.erase(gone->second, gone->first);
      there.erase(gone);
    }
    if (round % 500 != 0) continue;
    for (const auto& entry : there) {
      const auto is = [&](NodeId other) { return there.at(other) == entry.second; };
      EXPECT_EQ(index.find(entry.second, is), entry.first);
    }
    EXPECT_EQ(index.find(Hash128{70, 1}, [](NodeId) { return true; }), 0u);
  }
}

TEST(NodeIndex, AsksOnlyAboutNodesOfTheSameTag) {
  NodeIndex index;
  for (NodeId id = 1; id <= 1'000; ++id) index.insert(Hash128{id, 0}, id);
  for (NodeId id = 1; id <= 1'000; ++id) {
    EXPECT_EQ(index.find(Hash128{id, 0}, [&](NodeId other) { return other == id; }), id);
    EXPECT_EQ(index.find(Hash128{id, 7}, [&](NodeId other) { return other != id; }), 0u);
  }
}

}  // namespace
}  // namespace kiln::graph
