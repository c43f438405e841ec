// Gets of several where each has its own answer.
#include <gtest/gtest.h>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class Each : public testing::Test {
 protected:
  World world;
  Door door;
  std::vector<Key> keys;             // what `each` asks for
  std::vector<std::string> answers;  // what it was answered the last time
  // Fails while its leaf is negative.
  Toy picky{"picky", world.record, [this](Context& c, int n) { return run_picky(c, n); }};
  Toy slow{"slow", world.record, [this](Context&, int n) { return run_slow(n); }};
  Toy endless{"endless", world.record, [this](Context& c, int) { return run_endless(c); }};
  Toy each{"each", world.record, [this](Context& c, int) { return run_each(c); }};
  Toy above{"above", world.record, [this](Context& c, int) { return run_above(c); }};
  Graph graph{world.executor};

  Task<Result<Computed>> run_picky(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    if (value_as<int>(leaf) < 0) co_return user_error(ErrorCode::kInvalidArgument, "negative");
    co_return computed(value_as<int>(leaf));
  }
  Task<Result<Computed>> run_slow(int n) {
    co_await door.wait();
    co_return computed(n);
  }
  Task<Result<Computed>> run_endless(Context& context) {
    co_await UntilStopped(context.stop_token(), world.executor);
    co_return user_error(ErrorCode::kCancelled, "told to stop");
  }
  // The number of those that have a value.
  Task<Result<Computed>> run_each(Context& context) {
    const std::vector<Result<ValueRef>> all = co_await context.get_each(keys);
    answers.clear();
    int values = 0;
    for (const Result<ValueRef>& one : all) {
      values += one.ok() ? 1 : 0;
      answers.push_back(one.ok() ? std::to_string(value_as<int>(*one))
                                 : std::string(error_code_name(one.error().code())));
    }
    co_return computed(values);
  }
  Task<Result<Computed>> run_above(Context& context) {
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(each(0)));
    co_return computed(value_as<int>(below) + 100);
  }
  static std::string name(ErrorCode code) { return std::string(error_code_name(code)); }
};

TEST_F(Each, HasAnAnswerForEachKeyInTheirOrder) {
  world.leaves.set(1, 10);
  world.leaves.set(2, -1);
  world.leaves.set(3, 30);
  keys = {picky(1), picky(2), picky(3), picky(1)};
  EXPECT_EQ(world.ask(graph, each(0)), 3);
  EXPECT_EQ(answers, (Ran{"10", name(ErrorCode::kInvalidArgument), "30", "10"}));
}

TEST_F(Each, OfNothingIsNothing) { EXPECT_EQ(world.ask(graph, each(0)), 0); }

TEST_F(Each, WaitsForAllWhenOneHasFailed) {
  world.leaves.set(1, -1);
  keys = {picky(1), slow(7)};
  Asked asked(world.executor, graph, each(0));
  world.executor.drain();
  EXPECT_FALSE(asked.done());
  EXPECT_EQ(graph.stats().cancelled, 0u);
  door.open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), 1);
  EXPECT_EQ(answers, (Ran{name(ErrorCode::kInvalidArgument), "7"}));
}

TEST_F(Each, WhatIsMadeInSpiteOfAnErrorIsNotRemembered) {
  world.leaves.set(1, 1);
  world.leaves.set(2, -1);
  keys = {picky(1), picky(2)};
  EXPECT_EQ(world.ask(graph, above(0)), 101);
  world.record.take();
  EXPECT_EQ(world.ask(graph, above(0)), 101);
  EXPECT_EQ(world.record.take(), (Ran{"each(0)", "picky(2)"}));
  world.set(graph, 2, 2);
  EXPECT_EQ(world.ask(graph, above(0)), 102);
  world.record.take();
  EXPECT_EQ(world.ask(graph, above(0)), 102);
  EXPECT_EQ(world.record.take(), Ran{});
}

TEST_F(Each, WithoutErrorsIsRememberedAndCutOffLikeAnyOther) {
  world.leaves.set(1, 1);
  world.leaves.set(2, 2);
  keys = {picky(1), picky(2)};
  EXPECT_EQ(world.ask(graph, above(0)), 102);
  world.record.take();
  world.set(graph, 2, 3);
  EXPECT_EQ(world.ask(graph, above(0)), 102);
  EXPECT_EQ(world.record.take(), (Ran{"each(0)", "leaf(2)", "picky(2)"}));
}

TEST_F(Each, AnErrorThatTheReCheckMetIsHandedOverAndNotMetTwice) {
  world.leaves.set(1, 1);
  world.leaves.set(2, 2);
  keys = {picky(1), picky(2)};
  EXPECT_EQ(world.ask(graph, each(0)), 2);
  world.record.take();
  world.set(graph, 2, -1);
  EXPECT_EQ(world.ask(graph, each(0)), 1);
  EXPECT_EQ(answers, (Ran{"1", name(ErrorCode::kInvalidArgument)}));
  EXPECT_EQ(world.record.take(), (Ran{"each(0)", "leaf(2)", "picky(2)"}));
}

TEST_F(Each, ACycleIsTheAnswerOfTheGetThatClosesIt) {
  world.leaves.set(1, 1);
  keys = {above(0), picky(1)};
  EXPECT_EQ(world.ask(graph, each(0)), 1);
  EXPECT_EQ(answers, (Ran{name(ErrorCode::kCycle), "1"}));
}

TEST_F(Each, LeavesAllOfThemWhenNobodyWaitsAnyMore) {
  keys = {endless(1), endless(2)};
  Asked asked(world.executor, graph, each(0));
  world.executor.drain();
  asked.cancel();
  world.executor.drain();
  EXPECT_EQ(asked.answer().error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(answers, (Ran{name(ErrorCode::kCancelled), name(ErrorCode::kCancelled)}));
  EXPECT_EQ(graph.stats().cancelled, 3u);
}

}  // namespace
}  // namespace kiln::graph
