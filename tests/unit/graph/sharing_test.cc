// One run per node, shared; and what is invalidated while it runs.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <random>
#include <thread>

#include "daemon/async/sync_wait.h"
#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class Sharing : public testing::Test {
 protected:
  World world;
  std::deque<Door> doors = std::deque<Door>(8);
  size_t next_door = 0;
  // Reads its leaf, then waits at the next door, if there is one left.
  Toy slow{"slow", world.record, [this](Context& context, int n) { return run_slow(context, n); }};
  Toy above{"above", world.record,
            [this](Context& context, int n) { return run_above(context, n); }};
  std::optional<Graph> graph{std::in_place, world.executor};
  size_t doors_in_use = 1;

  Task<Result<Computed>> run_slow(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    if (next_door < doors_in_use) {
      Door& door = doors[next_door];
      ++next_door;
      co_await door.wait();
    }
    if (value_as<int>(leaf) < 0) {
      co_return user_error(ErrorCode::kInvalidArgument, "leaf is negative");
    }
    co_return computed(value_as<int>(leaf));
  }
  Task<Result<Computed>> run_above(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(slow(n)));
    co_return computed(value_as<int>(below) + 100);
  }
};

TEST_F(Sharing, TwoRunsShareOneRunOfANode) {
  world.leaves.set(1, 7);
  Asked first(world.executor, *graph, slow(1), RunId{1});
  Asked second(world.executor, *graph, slow(1), RunId{2});
  Asked third(world.executor, *graph, above(1), RunId{3});
  world.executor.drain();
  EXPECT_FALSE(first.done());
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(first.value(), 7);
  EXPECT_EQ(second.value(), 7);
  EXPECT_EQ(third.value(), 107);
  EXPECT_TRUE(first.answer()->ran);
  EXPECT_FALSE(second.answer()->ran);
  EXPECT_EQ(world.record.take(), (Ran{"above(1)", "leaf(1)", "slow(1)"}));
  EXPECT_EQ(graph->stats().joined, 2u);
}

TEST_F(Sharing, AnErrorReachesEveryWaiter) {
  world.leaves.set(1, -1);
  Asked first(world.executor, *graph, slow(1));
  Asked second(world.executor, *graph, above(1));
  world.executor.drain();
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(first.answer().error().message(), "leaf is negative");
  EXPECT_TRUE(first.answer().error().context().empty());
  EXPECT_EQ(second.answer().error().context(),
            (std::vector<std::string>{"while computing above(1)"}));
}

TEST_F(Sharing, AChangeWhileRunningRunsItAgainBeforeTheAnswer) {
  world.leaves.set(1, 7);
  Asked asked(world.executor, *graph, above(1));
  world.executor.drain();
  world.set(*graph, 1, 8);
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), 108);
  EXPECT_EQ(world.record.take(), (Ran{"above(1)", "leaf(1)", "leaf(1)", "slow(1)", "slow(1)"}));
  EXPECT_EQ(graph->why(slow(1).hash)->changed->describe(), "leaf(1)");
}

TEST_F(Sharing, AChangeToTheSameValueWhileRunningDoesNotRunItAgain) {
  world.leaves.set(1, 7);
  Asked asked(world.executor, *graph, slow(1));
  world.executor.drain();
  world.set(*graph, 1, 7);
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), 7);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(1)", "leaf(1)", "slow(1)"}));
}

TEST_F(Sharing, ANodeNamedWhileItRunsRunsAgain) {
  world.leaves.set(1, 7);
  Asked asked(world.executor, *graph, slow(1));
  world.executor.drain();
  const Hash128 hash = slow(1).hash;
  graph->invalidate({&hash, 1});
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), 7);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(1)", "slow(1)", "slow(1)"}));
}

TEST_F(Sharing, AFailureOfStaleInputIsTriedAgain) {
  world.leaves.set(1, -7);
  Asked asked(world.executor, *graph, slow(1));
  world.executor.drain();
  world.set(*graph, 1, 8);
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), 8);
}

TEST_F(Sharing, WhatKeepsChangingEndsInAnErrorThatNamesIt) {
  graph.reset();
  graph.emplace(world.executor, Options{.value_bytes_cap = 0, .max_restarts = 2});
  doors_in_use = 3;
  Asked asked(world.executor, *graph, slow(1));
  world.executor.drain();
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(asked.done());
    ASSERT_EQ(doors[static_cast<size_t>(i)].waiting(), 1);
    world.set(*graph, 1, i + 1);
    doors[static_cast<size_t>(i)].open();
    world.executor.drain();
  }
  ASSERT_TRUE(asked.done());
  EXPECT_EQ(asked.answer().error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_NE(asked.answer().error().message().find("leaf(1) kept changing"), std::string::npos);
  // Once it is quiet it works.
  EXPECT_EQ(world.ask(*graph, slow(1)), 3);
}

// A chain of nodes over a leaf that counts up, while any of them are invalidated.
TEST(RandomInvalidation, NeverGivesAnAnswerOlderThanItsQuestion) {
  constexpr int kLength = 50;
  Record record;
  Leaves counter;
  Toy chain{"chain", record, [&](Context& context, int n) -> Task<Result<Computed>> {
              if (n == 0) co_return computed(counter.get(0));
              co_return Computed{*co_await context.get(chain(n - 1))};
            }};
  ThreadPool pool("test", 2);
  Graph graph(pool);
  std::atomic<int> changes{0};  // that are to be made yet: some during each request
  std::atomic<bool> enough{false};
  std::thread invalidating([&] {
    std::mt19937_64 random(1);
    while (!enough) {
      if (changes == 0) {
        std::this_thread::yield();
        continue;
      }
      counter.set(0, counter.get(0) + 1);
      const std::array<Hash128, 2> hashes{chain(0).hash,
                                          chain(static_cast<int>(random() % kLength)).hash};
      graph.invalidate(hashes);
      --changes;
    }
  });
  int previous = 0;
  for (int i = 0; i < 300; ++i) {
    while (changes != 0) std::this_thread::yield();
    changes = 20;
    const int asked_at = counter.get(0);
    const Result<Answer> answer =
        sync_wait(pool, graph.request(chain(kLength), RunId{1}, std::stop_token()));
    const int got = answer.ok() ? value_as<int>(answer->value) : -1;
    // What was counted last may not have been told when it was asked.
    EXPECT_GE(got, std::max(asked_at - 1, previous));
    EXPECT_LE(got, counter.get(0));
    previous = got;
    if (testing::Test::HasFailure()) break;
  }
  enough = true;
  invalidating.join();
  EXPECT_GT(previous, 1000);
}

}  // namespace
}  // namespace kiln::graph
