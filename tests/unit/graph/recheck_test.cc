// Re-checking: what is looked at together, and what happens while a re-check waits.
#include <gtest/gtest.h>

#include <deque>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

// top(0) asks for slow(1) and slow(2) at once, then for slow(3). slow(n) reads leaf n, and waits at
// door n while that is shut.
class ReCheck : public testing::Test {
 protected:
  World world;
  std::deque<std::optional<Door>> doors = std::deque<std::optional<Door>>(4);
  Toy slow{"slow", world.record, [this](Context& context, int n) { return run_slow(context, n); }};
  Toy top{"top", world.record, [this](Context& context, int) { return run_top(context); }};
  Graph graph{world.executor};

  void SetUp() override {
    for (int leaf = 1; leaf <= 3; ++leaf) world.leaves.set(leaf, leaf);
    ASSERT_EQ(world.ask(graph, top(0)), 123);
    world.record.take();
  }

  Task<Result<Computed>> run_slow(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    if (auto& door = doors[static_cast<size_t>(n)]) co_await door->wait();
    if (value_as<int>(leaf) < 0) co_return user_error(ErrorCode::kInvalidArgument, "negative");
    co_return computed(value_as<int>(leaf));
  }
  Task<Result<Computed>> run_top(Context& context) {
    std::vector<Key> keys;
    keys.push_back(slow(1));
    keys.push_back(slow(2));
    KILN_CO_ASSIGN(const std::vector<ValueRef> both, co_await context.get_all(std::move(keys)));
    KILN_CO_ASSIGN(const ValueRef last, co_await context.get(slow(3)));
    co_return computed(value_as<int>(both[0]) * 100 + value_as<int>(both[1]) * 10 +
                       value_as<int>(last));
  }
  void shut(int n) { doors[static_cast<size_t>(n)].emplace(); }
  void open(int n) {
    Door& door = *doors[static_cast<size_t>(n)];
    door.open();
    world.executor.drain();
    doors[static_cast<size_t>(n)].reset();
  }
};

TEST_F(ReCheck, LooksAtAllOfAGroupAtOnceAndAtTheNextGroupOnlyThen) {
  for (int n = 1; n <= 3; ++n) shut(n);
  world.set(graph, 1, 9);
  world.set(graph, 2, 9);
  world.set(graph, 3, 9);
  Asked asked(world.executor, graph, top(0));
  world.executor.drain();
  EXPECT_EQ(doors[1]->waiting(), 1);
  EXPECT_EQ(doors[2]->waiting(), 1) << "though nothing is known of the first";
  EXPECT_EQ(doors[3]->waiting(), 0) << "the first group may have changed what is asked for";
  open(2);
  open(1);
  EXPECT_EQ(doors[3]->waiting(), 1) << "the function asks for it";
  open(3);
  EXPECT_EQ(asked.value(), 999);
}

TEST_F(ReCheck, AnErrorInAGroupIsNotHeldUpByTheOthers) {
  shut(1);
  world.set(graph, 1, 9);
  world.set(graph, 2, -1);
  Asked asked(world.executor, graph, top(0));
  world.executor.drain();
  ASSERT_TRUE(asked.done());
  EXPECT_EQ(asked.answer().error().message(), "negative");
  EXPECT_EQ(graph.stats().cancelled, 1u) << "nobody waits for slow(1) any more";
  open(1);
}

TEST_F(ReCheck, ASecondWhoAsksJoinsItAndTheFirstMayLeave) {
  shut(1);
  world.set(graph, 1, 9);
  Asked first(world.executor, graph, top(0));
  Asked second(world.executor, graph, top(0), RunId{2});
  world.executor.drain();
  first.cancel();
  world.executor.drain();
  EXPECT_EQ(first.answer().error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(second.done());
  EXPECT_EQ(graph.stats().cancelled, 0u);
  open(1);
  EXPECT_EQ(second.value(), 923);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(1)", "slow(1)", "top(0)"}));
}

TEST_F(ReCheck, ThatNobodyWaitsForLeavesTheNodeAsItWas) {
  shut(1);
  world.set(graph, 1, 9);
  Asked asked(world.executor, graph, top(0));
  world.executor.drain();
  asked.cancel();
  world.executor.drain();
  open(1);
  EXPECT_EQ(graph.why(top(0).hash)->reason, RunReason::kFirstRun);
  world.set(graph, 1, 1);
  world.record.take();
  EXPECT_EQ(world.ask(graph, top(0)), 123);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(1)", "slow(1)"})) << "slow(1) is what it was";
}

// While top(0) waits for slow(2), leaf n changes: one that was found unchanged, the one that it
// waits for, one that is still to be looked at.
class ReCheckThatWaits : public ReCheck, public testing::WithParamInterface<int> {};

TEST_P(ReCheckThatWaits, SeesWhatIsInvalidatedMeanwhile) {
  const int n = GetParam();
  shut(2);
  world.set(graph, 2, 5);
  Asked asked(world.executor, graph, top(0));
  world.executor.drain();
  ASSERT_EQ(doors[2]->waiting(), 1);
  world.set(graph, n, 7);
  open(2);
  ASSERT_TRUE(asked.done());
  const int expected = n == 1 ? 753 : n == 2 ? 173 : 157;
  EXPECT_EQ(asked.value(), expected);
  world.record.take();
  EXPECT_EQ(world.ask(graph, top(0)), expected);
  EXPECT_EQ(world.record.take(), Ran{});
}
INSTANTIATE_TEST_SUITE_P(OfALeaf, ReCheckThatWaits, testing::Values(1, 2, 3));

TEST_F(ReCheck, RunsTheFunctionIfTheNodeIsNamedMeanwhile) {
  shut(2);
  world.set(graph, 2, 5);
  Asked asked(world.executor, graph, top(0));
  world.executor.drain();
  const Hash128 hash = top(0).hash;
  graph.invalidate({&hash, 1});
  open(2);
  EXPECT_EQ(asked.value(), 153);
}

TEST_F(ReCheck, IsSpoiltByNoChangeThatIsUndoneMeanwhile) {
  shut(2);
  world.set(graph, 2, 5);
  Asked asked(world.executor, graph, top(0));
  world.executor.drain();
  world.set(graph, 2, 2);
  open(2);
  EXPECT_EQ(asked.value(), 123);
}

}  // namespace
}  // namespace kiln::graph
