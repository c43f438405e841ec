// Cycles, and what only looks like one.
#include <gtest/gtest.h>

#include <deque>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class Cycle : public testing::Test {
 protected:
  World world;
  // What each node(n) asks for, in order; a node that is to be asked for in a group is negative.
  std::map<int, std::vector<int>> edges;
  Toy node{"node", world.record, [this](Context& context, int n) { return run_node(context, n); }};
  Toy fib{"fib", world.record, [this](Context& context, int n) { return run_fib(context, n); }};
  Graph graph{world.executor};

  Task<Result<Computed>> run_node(Context& context, int n) {
    int sum = n;
    std::vector<Key> group;
    const std::vector<int> asked = edges[n];
    for (const int next : asked) {
      if (next < 0) {
        group.push_back(node(-next));
        continue;
      }
      KILN_CO_ASSIGN(const ValueRef value, co_await context.get(node(next)));
      sum += value_as<int>(value);
    }
    if (!group.empty()) {
      KILN_CO_ASSIGN(const std::vector<ValueRef> values,
                     co_await context.get_all(std::move(group)));
      for (const ValueRef& value : values) sum += value_as<int>(value);
    }
    co_return computed(sum);
  }
  Task<Result<Computed>> run_fib(Context& context, int n) {
    if (n < 2) co_return computed(n);
    std::vector<Key> keys;
    keys.push_back(fib(n - 1));
    keys.push_back(fib(n - 2));
    KILN_CO_ASSIGN(const std::vector<ValueRef> values, co_await context.get_all(std::move(keys)));
    co_return computed((value_as<int>(values[0]) + value_as<int>(values[1])) % 1000007);
  }
  void invalidate(std::vector<int> nodes) {
    std::vector<Hash128> hashes;
    for (const int n : nodes) hashes.push_back(node(n).hash);
    graph.invalidate(hashes);
  }
};

TEST_F(Cycle, IsReportedWithItsPath) {
  edges = {{1, {2}}, {2, {3}}, {3, {4}}, {4, {2}}};
  const Result<Answer> answer = world.answer(graph, node(1));
  ASSERT_EQ(answer.error().code(), ErrorCode::kCycle);
  EXPECT_EQ(answer.error().message(),
            "computations wait for one another: node(4) → node(2) → node(3) → node(4)");
  EXPECT_EQ(answer.error().context().size(), 4u);
}

TEST_F(Cycle, OfOneNodeIsReported) {
  edges = {{1, {1}}};
  EXPECT_EQ(world.answer(graph, node(1)).error().message(),
            "computations wait for one another: node(1) → node(1)");
}

TEST_F(Cycle, ThatTwoRequestsCloseTogetherIsFound) {
  edges = {{1, {2}}, {2, {1}}};
  Asked first(world.executor, graph, node(1));
  Asked second(world.executor, graph, node(2));
  world.executor.drain();
  ASSERT_TRUE(first.done());
  ASSERT_TRUE(second.done());
  EXPECT_EQ(first.answer().error().code(), ErrorCode::kCycle);
  EXPECT_EQ(second.answer().error().code(), ErrorCode::kCycle);
}

TEST_F(Cycle, InGroupsIsFound) {
  edges = {{1, {-2, -3}}, {2, {-4, -5}}, {3, {-4, -5}}, {4, {-6}}, {5, {-6}}, {6, {-3}}};
  EXPECT_EQ(world.answer(graph, node(1)).error().code(), ErrorCode::kCycle);
}

TEST_F(Cycle, DiamondsAreNone) {
  edges = {{1, {-2, -3, -4}}, {2, {-3, -4}}, {3, {-4, -5}}, {4, {-5}}, {5, {}}};
  EXPECT_EQ(world.ask(graph, node(1)), 1 + (2 + 17 + 9) + 17 + 9);
}

TEST_F(Cycle, LegalRecursionStaysLegal) {
  EXPECT_EQ(world.ask(graph, fib(30)), 832040);
  EXPECT_EQ(world.record.take().size(), 31u);
}

TEST_F(Cycle, GoesAwayWhenTheInputsChange) {
  edges = {{1, {2}}, {2, {1}}};
  EXPECT_FALSE(world.answer(graph, node(1)).ok());
  edges = {{1, {2}}, {2, {}}};
  EXPECT_EQ(world.ask(graph, node(1)), 3);
}

// 1 depended on 2; now 2 depends on 1. While 1 re-checks 2, 2 asks for 1.
TEST_F(Cycle, ThroughAReCheckIsNoCycle) {
  edges = {{1, {2}}, {2, {3}}, {3, {}}};
  EXPECT_EQ(world.ask(graph, node(1)), 6);
  edges = {{1, {}}, {2, {1}}, {3, {}}};
  invalidate({2});
  EXPECT_EQ(world.ask(graph, node(1)), 1);
  EXPECT_EQ(world.ask(graph, node(2)), 3);
}

TEST_F(Cycle, ThroughAReCheckIsNoCycleForThoseWhoWaitBelow) {
  edges = {{1, {2}}, {2, {3}}, {3, {}}};
  EXPECT_EQ(world.ask(graph, node(1)), 6);
  edges = {{1, {}}, {2, {1}}, {3, {}}};
  invalidate({2});
  Asked second(world.executor, graph, node(2));
  Asked first(world.executor, graph, node(1));
  world.executor.drain();
  EXPECT_EQ(first.value(), 1);
  EXPECT_EQ(second.value(), 3);
}

TEST_F(Cycle, ARealOneThatClosesThroughAReCheckIsReported) {
  edges = {{1, {2}}, {2, {3}}, {3, {}}};
  EXPECT_EQ(world.ask(graph, node(1)), 6);
  edges = {{1, {2}}, {2, {3}}, {3, {1}}};
  invalidate({3});
  EXPECT_EQ(world.answer(graph, node(1)).error().code(), ErrorCode::kCycle);
}

// 2 asked for 1, and 1 for 0. Now 0 asks for 1, which asks for nobody.
TEST_F(Cycle, APathMayTurnRoundWhileItIsReChecked) {
  const std::map<int, std::vector<int>> down = {{3, {2}}, {2, {1}}, {1, {}}};
  const std::map<int, std::vector<int>> up = {{3, {2}}, {2, {}}, {1, {2}}};
  for (const int first : {1, 2, 3}) {
    edges = down;
    invalidate({1, 2});
    EXPECT_EQ(world.ask(graph, node(3)), 6);
    edges = up;
    invalidate({1, 2});
    std::deque<Asked> asked;
    for (int i = 0; i < 3; ++i) {
      asked.emplace_back(world.executor, graph, node(1 + (first + i) % 3));
    }
    world.executor.drain();
    for (int i = 0; i < 3; ++i) {
      const int n = 1 + (first + i) % 3;
      EXPECT_EQ(asked[static_cast<size_t>(i)].value(), n == 2 ? 2 : n + 2) << "node(" << n << ")";
    }
  }
}

TEST_F(Cycle, AppearsWithAChangeAndGoesAwayWithTheNext) {
  edges = {{1, {2}}, {2, {3}}, {3, {}}};
  EXPECT_EQ(world.ask(graph, node(1)), 6);
  for (int times = 0; times < 3; ++times) {
    edges[3] = {1};
    invalidate({3});
    for (const int n : {1, 2, 3}) {
      EXPECT_EQ(world.answer(graph, node(n)).error().code(), ErrorCode::kCycle);
    }
    edges[3] = {};
    invalidate({3});
    world.record.take();
    EXPECT_EQ(world.ask(graph, node(1)), 6);
    EXPECT_EQ(world.record.take(), Ran{"node(3)"}) << "what was remembered before holds again";
  }
}

TEST_F(Cycle, TwoThatShareANodeAreBothFound) {
  edges = {{1, {-2, -3}}, {2, {1}}, {3, {1}}, {4, {2}}, {5, {3}}};
  std::deque<Asked> asked;
  for (int n = 5; n > 0; --n) asked.emplace_back(world.executor, graph, node(n));
  world.executor.drain();
  for (const Asked& one : asked) EXPECT_EQ(one.answer().error().code(), ErrorCode::kCycle);
  edges[1] = {-3};
  EXPECT_EQ(world.answer(graph, node(3)).error().code(), ErrorCode::kCycle) << "one is left";
  edges[1] = {};
  EXPECT_EQ(world.ask(graph, node(4)), 4 + 2 + 1);
  EXPECT_EQ(world.ask(graph, node(5)), 5 + 3 + 1);
}

// While leaf 0 is 0 turning(1) asks for turning(2), else turning(2) for turning(1).
TEST_F(Cycle, IsNotClosedByAWaitOfAWorldThatIsGone) {
  std::deque<Door> doors(3);
  Toy turning{"turning", world.record, [&](Context& context, int n) -> Task<Result<Computed>> {
                KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(0)));
                if (n != (value_as<int>(leaf) == 0 ? 1 : 2)) co_return computed(n);
                co_await doors[static_cast<size_t>(n)].wait();
                KILN_CO_ASSIGN(const ValueRef other, co_await context.get(turning(3 - n)));
                co_return computed(value_as<int>(other) * 10 + n);
              }};
  Asked first(world.executor, graph, turning(1));
  world.executor.drain();
  ASSERT_EQ(doors[1].waiting(), 1);
  world.set(graph, 0, 1);
  Asked second(world.executor, graph, turning(2));
  world.executor.drain();
  ASSERT_EQ(doors[2].waiting(), 1);
  doors[1].open();  // turning(1) goes on to ask for turning(2), as it would have before
  world.executor.drain();
  doors[2].open();
  world.executor.drain();
  EXPECT_EQ(first.value(), 1);
  EXPECT_EQ(second.value(), 12);
}

}  // namespace
}  // namespace kiln::graph
