// Values dropped to free memory.
#include <gtest/gtest.h>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class Eviction : public testing::Test {
 protected:
  World world;
  Toy twice{"twice", world.record,
            [this](Context& context, int n) { return run_twice(context, n); }};
  Graph graph{world.executor,
              Options{.value_bytes_cap = 3 * make_value(0)->bytes(), .max_restarts = 3}};

  Task<Result<Computed>> run_twice(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    co_return computed(value_as<int>(leaf) * 2);
  }
};

TEST_F(Eviction, StaysUnderTheCapAndKeepsTheNodes) {
  for (int i = 0; i < 100; ++i) world.ask(graph, twice(i));
  EXPECT_LE(graph.stats().value_bytes, 3 * make_value(0)->bytes());
  EXPECT_EQ(graph.stats().nodes, 200u);
  EXPECT_EQ(graph.stats().edges, 100u);
  EXPECT_GE(graph.stats().evicted, 197u);
}

TEST_F(Eviction, AnEvictedValueIsComputedAgainWithTheSameGeneration) {
  world.leaves.set(0, 4);
  const uint64_t generation = world.answer(graph, twice(0))->generation;
  for (int i = 1; i < 20; ++i) world.ask(graph, twice(i));
  world.record.take();
  const Result<Answer> again = world.answer(graph, twice(0));
  EXPECT_EQ(value_as<int>(again->value), 8);
  EXPECT_EQ(again->generation, generation);
  EXPECT_TRUE(again->ran);
  EXPECT_EQ(graph.why(twice(0).hash)->reason, RunReason::kEvicted);
}

TEST_F(Eviction, AReCheckNeedsNoValues) {
  world.ask(graph, twice(0));
  for (int i = 1; i < 20; ++i) world.ask(graph, world.leaf(i));  // evicts twice(0) and leaf(0)
  world.record.take();
  world.ask(graph, twice(0));
  EXPECT_EQ(world.record.take(), (Ran{"leaf(0)", "twice(0)"}));
  // leaf(0) changes while its value is gone: it cannot be compared, so what is above runs.
  for (int i = 1; i < 20; ++i) world.ask(graph, world.leaf(i));
  world.record.take();
  world.set(graph, 0, 3);
  EXPECT_EQ(world.ask(graph, twice(0)), 6);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(0)", "twice(0)"}));
}

}  // namespace
}  // namespace kiln::graph
