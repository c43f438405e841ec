#include "daemon/graph/node_table.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class NodeTableTest : public testing::Test {
 protected:
  static bool is_vacant(const Node& node) { return node.key.function == nullptr; }

  World world;
  NodeTable table;
};

TEST_F(NodeTableTest, FindsWhatItMade) {
  std::set<const Node*> made;
  for (int i = 0; i < 20000; ++i) {
    Node& node = table.find_or_create(world.leaf(i));
    EXPECT_TRUE(made.insert(&node).second);
    EXPECT_NE(node.id, 0u);
    EXPECT_EQ(&table.at(node.id), &node);
  }
  EXPECT_EQ(table.size(), 20000u);
  for (int i = 0; i < 20000; ++i) EXPECT_TRUE(made.contains(table.find(world.leaf(i).hash)));
  EXPECT_EQ(table.find(world.leaf(-1).hash), nullptr);
  std::set<const Node*> seen;
  table.for_each([&](Node& node) { return is_vacant(node) || seen.insert(&node).second; });
  EXPECT_EQ(seen, made);
}

TEST_F(NodeTableTest, GoingOverItVisitsEveryNodeOnce) {
  EXPECT_EQ(table.after(0), nullptr);
  for (int i = 0; i < 1000; ++i) table.find_or_create(world.leaf(i));
  std::set<NodeId> seen;
  int visits = 0;
  for (const Node* node = table.after(0); node != nullptr; node = table.after(node->id)) {
    if (is_vacant(*node)) continue;
    seen.insert(node->id);
    ++visits;
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(visits, 1000);
}

TEST_F(NodeTableTest, ForgetsOnlyWhatWasNotLookedUpForTwoSweeps) {
  const auto always = [](const Node&) { return true; };
  Node& node = table.find_or_create(world.leaf(1));
  EXPECT_FALSE(table.forget(node, always));
  table.begin_sweep();
  EXPECT_FALSE(table.forget(node, always));
  table.begin_sweep();
  EXPECT_TRUE(table.is_stale(node));
  EXPECT_FALSE(table.forget(node, [](const Node&) { return false; }));
  table.find_or_create(world.leaf(1));
  EXPECT_FALSE(table.forget(node, always)) << "it was looked up just now";
  table.begin_sweep();
  table.begin_sweep();
  EXPECT_TRUE(table.forget(node, always));
  EXPECT_EQ(table.find(world.leaf(1).hash), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(NodeTableTest, UsesAPlaceAgainOnceItIsReclaimed) {
  Node& node = table.find_or_create(world.leaf(1));
  table.begin_sweep();
  table.begin_sweep();
  ASSERT_TRUE(table.forget(node, [](const Node&) { return true; }));
  for (int i = 1; i < 1000; ++i) EXPECT_NE(&table.find_or_create(world.leaf(i)), &node);
  table.reclaim(node);
  bool again = false;
  for (int i = 1000; i < 2000; ++i) again |= &table.find_or_create(world.leaf(i)) == &node;
  EXPECT_TRUE(again);
}

TEST_F(NodeTableTest, WhatIsNotLookedUpForHundredsOfSweepsStaysStale) {
  Node& node = table.find_or_create(world.leaf(1));
  for (int i = 0; i < 1000; ++i) {
    table.begin_sweep();
    table.keep_stale(node);
    EXPECT_EQ(table.is_stale(node), i > 0);
  }
}

TEST_F(NodeTableTest, ThreadsThatMakeTheSameNodeGetTheSame) {
  std::vector<std::vector<Node*>> got(4);
  std::vector<std::thread> threads;
  for (auto& mine : got) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) mine.push_back(&table.find_or_create(world.leaf(i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table.size(), 2000u);
  for (const auto& mine : got) EXPECT_EQ(mine, got[0]);
}

}  // namespace
}  // namespace kiln::graph
