// What runs again after a change, and what does not.
#include <gtest/gtest.h>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

// parity(n): of leaf n. total(n): parity of 0 to n-1, asked one by one. pick(n): leaf 10 chooses
// between leaf 11 and leaf 12. both(n): leaf 1 and leaf 2 at once.
class Incremental : public testing::Test {
 protected:
  World world;
  Toy parity{"parity", world.record,
             [this](Context& context, int n) { return run_parity(context, n); }};
  Toy total{"total", world.record,
            [this](Context& context, int n) { return run_total(context, n); }};
  Toy pick{"pick", world.record, [this](Context& context, int) { return run_pick(context); }};
  Toy both{"both", world.record, [this](Context& context, int) { return run_both(context); }};
  Toy fallback{"fallback", world.record,
               [this](Context& context, int n) { return run_fallback(context, n); }};
  Toy picky{"picky", world.record,
            [this](Context& context, int n) { return run_picky(context, n); }};
  Graph graph{world.executor};

  Task<Result<Computed>> run_parity(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    co_return computed(value_as<int>(leaf) % 2);
  }
  Task<Result<Computed>> run_total(Context& context, int n) {
    int sum = 0;
    for (int i = 0; i < n; ++i) {
      KILN_CO_ASSIGN(const ValueRef one, co_await context.get(parity(i)));
      sum += value_as<int>(one);
    }
    co_return computed(sum);
  }
  Task<Result<Computed>> run_pick(Context& context) {
    KILN_CO_ASSIGN(const ValueRef which, co_await context.get(world.leaf(10)));
    KILN_CO_ASSIGN(const ValueRef chosen,
                   co_await context.get(picky(value_as<int>(which) == 0 ? 11 : 12)));
    co_return computed(value_as<int>(chosen));
  }
  Task<Result<Computed>> run_both(Context& context) {
    std::vector<Key> keys;
    keys.push_back(parity(1));
    keys.push_back(parity(2));
    KILN_CO_ASSIGN(const std::vector<ValueRef> values, co_await context.get_all(std::move(keys)));
    co_return computed(value_as<int>(values[0]) * 10 + value_as<int>(values[1]));
  }
  // Fails when its leaf is negative.
  Task<Result<Computed>> run_picky(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    if (value_as<int>(leaf) < 0) {
      co_return user_error(ErrorCode::kInvalidArgument, "leaf is negative");
    }
    co_return computed(value_as<int>(leaf));
  }
  Task<Result<Computed>> run_fallback(Context& context, int n) {
    const Result<ValueRef> value = co_await context.get(picky(n));
    co_return computed(value.ok() ? value_as<int>(*value) : 99);
  }
};

TEST_F(Incremental, ASecondRequestRunsNothing) {
  world.leaves.set(0, 1);
  EXPECT_EQ(world.ask(graph, total(2)), 1);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(0)", "leaf(1)", "parity(0)", "parity(1)", "total(2)"}));
  const Result<Answer> again = world.answer(graph, total(2), RunId{2});
  EXPECT_EQ(value_as<int>(again->value), 1);
  EXPECT_FALSE(again->ran);
  EXPECT_EQ(world.record.take(), Ran{});
  EXPECT_EQ(graph.stats().clean_hits, 1u);
  EXPECT_EQ(graph.stats().ran, 5u);
  EXPECT_EQ(graph.stats().requests, 6u);
  EXPECT_EQ(graph.stats().nodes, 5u);
  EXPECT_EQ(graph.stats().edges, 4u);
}

TEST_F(Incremental, AChangeReRunsOnlyItsDependents) {
  world.ask(graph, total(3));
  world.record.take();
  world.set(graph, 1, 1);
  EXPECT_EQ(world.ask(graph, total(3)), 1);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(1)", "parity(1)", "total(3)"}));
  const std::optional<Why> why = graph.why(total(3).hash);
  EXPECT_EQ(why->reason, RunReason::kInputChanged);
  EXPECT_EQ(why->changed->describe(), "parity(1)");
  EXPECT_EQ(graph.why(world.leaf(1).hash)->reason, RunReason::kInvalidated);
  EXPECT_EQ(graph.why(parity(0).hash)->reason, RunReason::kFirstRun);
  EXPECT_EQ(graph.stats().dirtied, 2u);
  EXPECT_EQ(graph.stats().invalidated, 1u);
}

TEST_F(Incremental, AnEqualValueCutsOffWhatIsAbove) {
  world.ask(graph, total(2));
  world.record.take();
  const uint64_t generation = world.answer(graph, total(2))->generation;
  world.set(graph, 1, 2);  // another leaf, the same parity
  EXPECT_EQ(world.answer(graph, total(2))->generation, generation);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(1)", "parity(1)"}));
  EXPECT_EQ(graph.stats().cut_off, 1u);
  EXPECT_EQ(graph.stats().cleaned, 1u);
}

TEST_F(Incremental, AnInvalidatedNodeWithTheOldValueCutsOffAtOnce) {
  world.ask(graph, total(2));
  world.record.take();
  world.set(graph, 1, 0);
  EXPECT_EQ(world.ask(graph, total(2)), 0);
  EXPECT_EQ(world.record.take(), Ran{"leaf(1)"});
  EXPECT_EQ(graph.stats().cleaned, 2u);
}

TEST_F(Incremental, ADependencyThatIsNoLongerAskedForDoesNotCount) {
  world.leaves.set(11, 5);
  world.leaves.set(12, 6);
  EXPECT_EQ(world.ask(graph, pick(0)), 5);
  world.set(graph, 10, 1);
  EXPECT_EQ(world.ask(graph, pick(0)), 6);
  world.record.take();
  const uint64_t dirtied = graph.stats().dirtied;
  world.set(graph, 11, 7);
  EXPECT_EQ(graph.stats().dirtied, dirtied + 1);  // picky(11) alone
  EXPECT_EQ(world.ask(graph, pick(0)), 6);
  EXPECT_EQ(world.record.take(), Ran{});
}

// pick asked for leaf 11 only because of what leaf 10 was.
TEST_F(Incremental, AStaleLaterDependencyNeitherRunsNorFailsTheReCheck) {
  world.leaves.set(11, 5);
  world.leaves.set(12, 6);
  EXPECT_EQ(world.ask(graph, pick(0)), 5);
  world.record.take();
  world.set(graph, 10, 1);
  world.set(graph, 11, -1);
  EXPECT_EQ(world.ask(graph, pick(0)), 6);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(10)", "leaf(12)", "pick(0)", "picky(12)"}));
}

TEST_F(Incremental, TheFirstChangedDependencyInTheOrderOfAskingIsTheReason) {
  world.ask(graph, both(0));
  world.set(graph, 2, 1);
  world.set(graph, 1, 1);
  EXPECT_EQ(world.ask(graph, both(0)), 11);
  EXPECT_EQ(graph.why(both(0).hash)->changed->describe(), "parity(1)");
}

TEST_F(Incremental, AnErrorIsNotRememberedAndForgetsNothing) {
  world.leaves.set(5, 3);
  EXPECT_EQ(world.ask(graph, picky(5)), 3);
  const uint64_t generation = world.answer(graph, picky(5))->generation;
  world.set(graph, 5, -1);
  EXPECT_EQ(world.answer(graph, picky(5)).error().code(), ErrorCode::kInvalidArgument);
  world.record.take();
  EXPECT_FALSE(world.answer(graph, picky(5)).ok());
  EXPECT_EQ(world.record.take(), Ran{"picky(5)"});
  world.set(graph, 5, -2);
  EXPECT_FALSE(world.answer(graph, picky(5)).ok());
  world.record.take();
  world.set(graph, 5, 4);
  const Result<Answer> fixed = world.answer(graph, picky(5));
  EXPECT_EQ(value_as<int>(fixed->value), 4);
  EXPECT_GT(fixed->generation, generation);
}

TEST_F(Incremental, AnErrorTellsTheChainOfDependents) {
  world.leaves.set(10, 0);
  world.leaves.set(11, -1);
  const Result<Answer> failed = world.answer(graph, pick(0));
  EXPECT_EQ(failed.error().message(), "leaf is negative");
  EXPECT_EQ(failed.error().context(), (std::vector<std::string>{"while computing pick(0)"}));
}

TEST_F(Incremental, AFailingDependencyFailsOncePerRequest) {
  world.leaves.set(11, 1);
  world.ask(graph, pick(0));
  world.set(graph, 11, -1);
  world.record.take();
  EXPECT_FALSE(world.answer(graph, pick(0)).ok());
  EXPECT_EQ(world.record.take(), (Ran{"leaf(11)", "pick(0)", "picky(11)"}));
}

TEST_F(Incremental, AValueMadeInSpiteOfAnErrorIsLookedAtAgain) {
  world.leaves.set(7, -1);
  EXPECT_EQ(world.ask(graph, fallback(7)), 99);
  EXPECT_EQ(world.ask(graph, fallback(7)), 99);
  world.set(graph, 7, 8);
  EXPECT_EQ(world.ask(graph, fallback(7)), 8);
  world.record.take();
  EXPECT_EQ(world.ask(graph, fallback(7)), 8);
  EXPECT_EQ(world.record.take(), Ran{});
}

TEST_F(Incremental, InvalidatingWhatIsNoNodeDoesNothing) {
  const Hash128 hash = parity(77).hash;
  EXPECT_EQ(graph.invalidate({&hash, 1}), 0u);
  EXPECT_FALSE(graph.why(hash).has_value());
}

TEST_F(Incremental, ANodeInTheMiddleThatIsNamedRunsAgainAndNothingAboveOrBelowIt) {
  world.leaves.set(0, 3);
  EXPECT_EQ(world.ask(graph, total(1)), 1);
  world.record.take();
  const Hash128 middle = parity(0).hash;
  graph.invalidate({&middle, 1});
  EXPECT_EQ(world.ask(graph, total(1)), 1);
  EXPECT_EQ(world.record.take(), Ran{"parity(0)"});
  EXPECT_EQ(graph.why(middle)->reason, RunReason::kInvalidated);
}

}  // namespace
}  // namespace kiln::graph
