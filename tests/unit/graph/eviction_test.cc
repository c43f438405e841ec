// Values dropped to free memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class Eviction : public testing::Test {
 protected:
  World world;
  Toy twice{"twice", world.record,
            [this](Context& context, int n) { return run_twice(context, n); }};
  // What is made costs nothing here, so that only age counts.
  Graph graph{world.executor, Options{.value_bytes_cap = 3 * make_value(0)->bytes(),
                                      .ticks = [] { return uint64_t{0}; },
                                      .max_restarts = 3}};

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

// Values that tell when they go: by how long they took to make, and how big they are.
struct Made {
  int n;
  size_t extra_bytes;
  std::shared_ptr<const int> life;
  friend bool operator==(const Made& a, const Made& b) { return a.n == b.n; }
};
size_t footprint(const Made& made) { return made.extra_bytes; }

class EvictionPolicy : public testing::Test {
 protected:
  static constexpr uint64_t kTicks = 1000;
  static constexpr size_t kBytes = 1000;

  static uint64_t now;  // what Options::ticks takes has no closure
  World world;
  std::vector<int> gone;
  std::map<int, uint64_t> ticks;  // else kTicks
  std::map<int, size_t> bytes;    // else kBytes, all told
  std::map<int, std::vector<int>> asks;
  Toy make{"make", world.record, [this](Context& context, int n) { return run_make(context, n); }};
  // Room for five.
  Graph graph{world.executor, Options{.value_bytes_cap = 5 * kBytes, .ticks = [] { return now; }}};

  Task<Result<Computed>> run_make(Context& context, int n) {
    for (const int below : asks[n]) KILN_CO_TRY(co_await context.get(make(below)));
    now += ticks.contains(n) ? ticks[n] : kTicks;
    const size_t all = bytes.contains(n) ? bytes[n] : kBytes;
    std::shared_ptr<const int> life(new int(n), [this](const int* last) {
      gone.push_back(*last);
      delete last;
    });
    co_return Computed{make_value(Made{n, all - sizeof(Boxed<Made>), std::move(life)})};
  }
  Task<Result<Computed>> run_file(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef content, co_await context.get(world.leaf(n)));
    KILN_CO_TRY(co_await context.get(make(value_as<int>(content))));
    co_return computed(n);
  }
  void ask(std::initializer_list<int> nodes) {
    for (const int n : nodes) ASSERT_TRUE(world.answer(graph, make(n)).ok());
  }
  using Gone = std::vector<int>;
};
uint64_t EvictionPolicy::now = 0;

TEST_F(EvictionPolicy, NothingGoesBelowTheCap) {
  ask({1, 2, 3, 4, 5});
  EXPECT_EQ(gone, Gone());
}

TEST_F(EvictionPolicy, TheOldestOfEqualsGoes) {
  ask({1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(gone, (Gone{1, 2}));
}

TEST_F(EvictionPolicy, WhatWasUsedOfLateStays) {
  ask({1, 2, 3, 4, 5, 1, 3, 6, 7});
  EXPECT_EQ(gone, (Gone{2, 4}));
  // Nobody asked for 1 and 3 since: they are as old as what came when their turn was.
  ask({8, 9, 10, 11, 12});
  EXPECT_EQ(gone, (Gone{2, 4, 5, 6, 1, 7, 3}));
}

TEST_F(EvictionPolicy, WhatIsCheapGoesBeforeWhatIsOlderAndDear) {
  ticks = {{1, 8 * kTicks}, {2, 8 * kTicks}};
  ask({1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(gone, (Gone{3, 4}));
}

TEST_F(EvictionPolicy, WhatIsBigGoesBeforeWhatIsOlderAndSmall) {
  bytes = {{1, kBytes / 4}, {2, kBytes / 4}};
  ask({1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(gone, (Gone{3}));
}

TEST_F(EvictionPolicy, WhatIsBigAndDearByTheByteStays) {
  ticks = {{1, 8 * kTicks}};
  bytes = {{1, 2 * kBytes}};
  ask({1, 2, 3, 4, 5});
  EXPECT_EQ(gone, (Gone{2}));
}

// Eight times as dear stays while as much memory as it would take is used eight times over.
TEST_F(EvictionPolicy, WhatIsDearAgesToo) {
  ticks = {{0, 8 * kTicks}};
  ask({0});
  int n = 0;
  while (std::find(gone.begin(), gone.end(), 0) == gone.end()) {
    ASSERT_LT(n, 1000);
    ask({++n});
  }
  EXPECT_GT(n, 5 * 7);
  EXPECT_LE(n, 5 * 9);
}

// To make 2 again means to make 1 again as well; the others stand alone.
TEST_F(EvictionPolicy, WhatIsMadeOfWhatWentIsDearer) {
  asks = {{2, {1}}};
  ask({2, 3, 4, 5, 6});
  EXPECT_EQ(gone, (Gone{1}));
  ask({7});
  EXPECT_EQ(gone, (Gone{1, 3})) << "as dear as 2 by itself, and younger";
}

// What a function waits for is not its own work.
TEST_F(EvictionPolicy, TimeSpentWaitingForDependenciesIsTheirs) {
  ticks = {{1, 100 * kTicks}, {2, kTicks}};
  asks = {{2, {1}}};
  ask({2, 3, 4, 5, 6, 7});
  EXPECT_EQ(gone, (Gone{2, 3}));
}

TEST_F(EvictionPolicy, ManySmallValuesGoForOneBigOneInPieces) {
  constexpr int kSmall = 1000;
  Graph many{world.executor,
             Options{.value_bytes_cap = kSmall * kBytes, .ticks = [] { return now; }}};
  bytes = {{0, kSmall * kBytes}};
  ticks = {{0, 10'000 * kSmall * kTicks}};
  for (int n = 1; n <= kSmall; ++n) ASSERT_TRUE(world.answer(many, make(n)).ok());
  ASSERT_EQ(gone, Gone());
  Asked asked(world.executor, many, make(0));
  size_t before = 0;
  while (world.executor.step()) {
    EXPECT_LE(gone.size() - before, 128u);
    before = gone.size();
  }
  EXPECT_TRUE(asked.done());
  EXPECT_EQ(gone.size(), static_cast<size_t>(kSmall));
  EXPECT_LE(many.stats().value_bytes, kSmall * kBytes);
}

TEST_F(EvictionPolicy, EditsUnderACapLetNeitherNodesNorBytesGrow) {
  constexpr int kEdits = 100'000;
  constexpr uint64_t kBudget = 500;
  Toy file{"file", world.record, [this](Context& context, int n) { return run_file(context, n); }};
  Graph edited{
      world.executor,
      Options{.value_bytes_cap = 50 * kBytes, .ticks = [] { return now; }, .node_budget = kBudget}};
  uint64_t most_nodes = 0;
  uint64_t most_bytes = 0;
  uint64_t warm = 0;
  for (int n = 1; n <= kEdits; ++n) {
    world.set(edited, n % 20, n);
    ASSERT_TRUE(world.answer(edited, file(n % 20)).ok());
    if (n % 1000 != 0) continue;
    world.record.take();
    gone.clear();
    const Stats stats = edited.stats();
    most_nodes = std::max(most_nodes, stats.nodes);
    most_bytes = std::max(most_bytes, stats.value_bytes);
    if (n == kEdits / 10) warm = stats.node_bytes;
    if (n > kEdits / 10) EXPECT_LE(stats.node_bytes, 2 * warm);
  }
  EXPECT_LE(most_nodes, 2 * kBudget);
  EXPECT_LE(most_bytes, 50 * kBytes);
  EXPECT_GT(edited.stats().evicted, static_cast<uint64_t>(kEdits) / 2);
  EXPECT_GT(edited.stats().forgotten, static_cast<uint64_t>(kEdits) / 2);
}

}  // namespace
}  // namespace kiln::graph
