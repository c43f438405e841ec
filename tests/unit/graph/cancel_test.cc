// Losing interest.
#include <gtest/gtest.h>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class Cancel : public testing::Test {
 protected:
  World world;
  bool stubborn = false;
  bool quick = false;
  Door door;
  Toy endless{"endless", world.record,
              [this](Context& context, int) { return run_endless(context); }};
  Toy above{"above", world.record,
            [this](Context& context, int n) { return run_above(context, n); }};
  Toy fails{"fails", world.record, [](Context&, int) { return run_fails(); }};
  Toy group{"group", world.record, [this](Context& context, int) { return run_group(context); }};
  std::optional<Graph> graph{std::in_place, world.executor};

  // Ends when it is asked to; a stubborn one only when the door opens.
  Task<Result<Computed>> run_endless(Context& context) {
    if (quick) co_return computed(1);
    if (stubborn) {
      co_await door.wait();
      co_return computed(0);
    }
    co_await UntilStopped(context.stop_token(), world.executor);
    co_return user_error(ErrorCode::kCancelled, "told to stop");
  }
  Task<Result<Computed>> run_above(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(n == 0 ? endless(0) : above(n - 1)));
    co_return computed(value_as<int>(below) + 1);
  }
  static Task<Result<Computed>> run_fails() {
    co_return user_error(ErrorCode::kInvalidArgument, "it fails");
  }
  Task<Result<Computed>> run_group(Context& context) {
    std::vector<Key> keys;
    keys.push_back(endless(0));
    keys.push_back(fails(0));
    KILN_CO_ASSIGN(const std::vector<ValueRef> values, co_await context.get_all(std::move(keys)));
    co_return computed(value_as<int>(values[0]));
  }
};

TEST_F(Cancel, TheLastWaiterThatLeavesStopsTheRunAndAllBelow) {
  Asked first(world.executor, *graph, above(3));
  Asked second(world.executor, *graph, above(2));
  world.executor.drain();
  first.cancel();
  world.executor.drain();
  EXPECT_EQ(first.answer().error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(second.done());
  EXPECT_EQ(graph->stats().cancelled, 1u);  // above(3) alone
  second.cancel();
  world.executor.drain();
  EXPECT_EQ(second.answer().error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(graph->stats().cancelled, 5u);
}

TEST_F(Cancel, ACancelledRunIsNotRemembered) {
  Asked first(world.executor, *graph, above(0));
  world.executor.drain();
  first.cancel();
  world.executor.drain();
  quick = true;
  EXPECT_EQ(world.ask(*graph, above(0)), 2);
  EXPECT_EQ(graph->why(endless(0).hash)->reason, RunReason::kFailedBefore);
}

TEST_F(Cancel, AWaiterLeavesAtOnceWhateverTheFunctionDoes) {
  stubborn = true;
  Asked first(world.executor, *graph, endless(0));
  world.executor.drain();
  first.cancel();
  world.executor.drain();
  EXPECT_TRUE(first.done());
  door.open();
  world.executor.drain();
}

TEST_F(Cancel, WhoeverComesWhileACancelledRunWindsDownGetsAFreshOne) {
  stubborn = true;
  Asked first(world.executor, *graph, above(0));
  world.executor.drain();
  first.cancel();
  world.executor.drain();
  stubborn = false;
  quick = true;
  EXPECT_EQ(world.ask(*graph, above(0)), 2);
  door.open();
  world.executor.drain();
  EXPECT_EQ(world.ask(*graph, above(0)), 2);
}

TEST_F(Cancel, AStopBeforeTheRequestRunsNothing) {
  std::stop_source stop;
  stop.request_stop();
  Scope scope;
  std::optional<Error> error;
  scope.spawn(
      world.executor,
      [](Graph& g, Key key, std::stop_token token, std::optional<Error>& out) -> Task<void> {
        const Result<Answer> answer =
            co_await g.request(std::move(key), RunId{1}, std::move(token));
        out = answer.error();
      }(*graph, endless(0), stop.get_token(), error));
  world.executor.drain();
  EXPECT_EQ(error->code(), ErrorCode::kCancelled);
  EXPECT_EQ(world.record.take(), Ran{});
  scope.join();
}

TEST_F(Cancel, TheFirstErrorOfAGroupLeavesTheOthers) {
  const Result<Answer> answer = world.answer(*graph, group(0));
  EXPECT_EQ(answer.error().message(), "it fails");
  EXPECT_EQ(graph->stats().cancelled, 1u);
}

TEST_F(Cancel, TheDestructorCancelsAndJoins) {
  graph.reset();
  ThreadPool pool("test", 2);
  Graph threaded(pool);
  Toy parked{"parked", world.record, [&pool](Context& context, int) {
               return [](Context& c, Executor& e) -> Task<Result<Computed>> {
                 co_await UntilStopped(c.stop_token(), e);
                 co_return user_error(ErrorCode::kCancelled, "told to stop");
               }(context, pool);
             }};
  std::optional<Graph> doomed(std::in_place, pool);
  Asked first(pool, *doomed, parked(0));
  Asked second(pool, *doomed, parked(1));
  while (doomed->stats().ran < 2) std::this_thread::yield();
  doomed.reset();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while ((!first.done() || !second.done()) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(first.answer().error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(second.answer().error().code(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace kiln::graph
