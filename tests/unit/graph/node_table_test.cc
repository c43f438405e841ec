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
  table.for_each([&](Node& node) { return seen.insert(&node).second; });
  EXPECT_EQ(seen, made);
}

TEST_F(NodeTableTest, GoingRoundVisitsEveryNode) {
  EXPECT_EQ(table.next_round(0), nullptr);
  for (int i = 0; i < 1000; ++i) table.find_or_create(world.leaf(i));
  std::set<NodeId> seen;
  NodeId id = 0;
  for (int i = 0; i < 1000; ++i) seen.insert(id = table.next_round(id)->id);
  EXPECT_EQ(seen.size(), 1000u);
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
