// Depth and breadth: nothing recurses on the stack, nothing is quadratic.
#include <gtest/gtest.h>

#include "daemon/async/sync_wait.h"
#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

constexpr int kMany = 100'000;

class Scale : public testing::Test {
 protected:
  World world;
  Door door;
  bool parked = false;
  Toy chain{"chain", world.record,
            [this](Context& context, int n) { return run_chain(context, n); }};
  Toy fan{"fan", world.record, [this](Context& context, int n) { return run_fan(context, n); }};
  Toy spoke{"spoke", world.record,
            [this](Context& context, int n) { return run_spoke(context, n); }};
  Toy hub{"hub", world.record, [this](Context& context, int) { return run_hub(context); }};
  Toy ladder{"ladder", world.record,
             [this](Context& context, int n) { return run_ladder(context, n); }};
  Graph graph{world.executor};

  Task<Result<Computed>> run_chain(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef below,
                   co_await context.get(n == 0 ? world.leaf(0) : chain(n - 1)));
    co_return computed(value_as<int>(below) + 1);
  }
  Task<Result<Computed>> run_hub(Context& context) {
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(world.leaf(1)));
    if (parked) co_await door.wait();
    co_return computed(value_as<int>(below));
  }
  Task<Result<Computed>> run_spoke(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(hub(0)));
    co_return computed(value_as<int>(below) + n);
  }
  Task<Result<Computed>> run_fan(Context& context, int n) {
    std::vector<Key> keys;
    for (int i = 0; i < n; ++i) keys.push_back(spoke(i));
    KILN_CO_ASSIGN(const std::vector<ValueRef> values, co_await context.get_all(std::move(keys)));
    int sum = 0;
    for (const ValueRef& value : values) sum = (sum + value_as<int>(value)) % 1000;
    co_return computed(sum);
  }
  // Every rung asks for the next rung and for the hub's chain at once, while all of them run.
  Task<Result<Computed>> run_ladder(Context& context, int n) {
    std::vector<Key> keys;
    if (n > 0) keys.push_back(ladder(n - 1));
    keys.push_back(spoke(n % 7));
    KILN_CO_ASSIGN(const std::vector<ValueRef> values, co_await context.get_all(std::move(keys)));
    co_return computed(value_as<int>(values.back()));
  }
};

TEST_F(Scale, ADeepChainRunsReChecksAndChanges) {
  EXPECT_EQ(world.ask(graph, chain(kMany)), kMany + 1);
  world.set(graph, 0, 0);  // the same value: every node is dirty and none runs
  world.record.take();
  EXPECT_EQ(world.ask(graph, chain(kMany)), kMany + 1);
  EXPECT_EQ(world.record.take(), Ran{"leaf(0)"});
  EXPECT_EQ(graph.stats().cleaned, static_cast<uint64_t>(kMany) + 1);
  world.set(graph, 0, 5);
  EXPECT_EQ(world.ask(graph, chain(kMany)), kMany + 6);
}

TEST_F(Scale, ADeepChainIsCancelled) {
  Toy parked_leaf{"parked", world.record, [this](Context& context, int) {
                    return [](Context& c, Executor& e) -> Task<Result<Computed>> {
                      co_await UntilStopped(c.stop_token(), e);
                      co_return user_error(ErrorCode::kCancelled, "told to stop");
                    }(context, world.executor);
                  }};
  Toy deep{"deep", world.record, [&](Context& context, int n) {
             return [](Context& c, Key next) -> Task<Result<Computed>> {
               KILN_CO_ASSIGN(const ValueRef below, co_await c.get(std::move(next)));
               co_return computed(value_as<int>(below));
             }(context, n == 0 ? parked_leaf(0) : deep(n - 1));
           }};
  Asked asked(world.executor, graph, deep(kMany));
  world.executor.drain();
  asked.cancel();
  world.executor.drain();
  EXPECT_EQ(asked.answer().error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(graph.stats().cancelled, static_cast<uint64_t>(kMany) + 2);
}

TEST_F(Scale, ADeepFailureKeepsItsInnermostFrames) {
  Toy fails{"fails", world.record, [](Context&, int) {
              return []() -> Task<Result<Computed>> {
                co_return user_error(ErrorCode::kInvalidArgument, "it fails");
              }();
            }};
  Toy deep{"deep", world.record, [&](Context& context, int n) {
             return [](Context& c, Key next) -> Task<Result<Computed>> {
               KILN_CO_ASSIGN(const ValueRef below, co_await c.get(std::move(next)));
               co_return computed(value_as<int>(below));
             }(context, n == 0 ? fails(0) : deep(n - 1));
           }};
  const Result<Answer> answer = world.answer(graph, deep(kMany));
  EXPECT_EQ(answer.error().message(), "it fails");
  ASSERT_FALSE(answer.error().context().empty());
  EXPECT_EQ(answer.error().context()[0], "while computing deep(0)");
  EXPECT_LT(answer.error().context().size(), 100u);
}

TEST_F(Scale, ManyWaitForOneNode) {
  parked = true;
  Asked asked(world.executor, graph, fan(kMany));
  world.executor.drain();
  EXPECT_FALSE(asked.done());
  door.open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), static_cast<int>((int64_t{kMany} * (kMany - 1) / 2) % 1000));
  EXPECT_EQ(graph.stats().joined, static_cast<uint64_t>(kMany) - 1);
}

TEST_F(Scale, ManyWhoWaitForOneNodeLeave) {
  parked = true;
  Asked asked(world.executor, graph, fan(kMany));
  world.executor.drain();
  asked.cancel();
  world.executor.drain();
  EXPECT_EQ(asked.answer().error().code(), ErrorCode::kCancelled);
  door.open();
  world.executor.drain();
}

TEST_F(Scale, ALongChainWhoseEveryNodeJoinsWhatRunsIsNotQuadratic) {
  parked = true;
  Asked asked(world.executor, graph, ladder(kMany));
  world.executor.drain();
  EXPECT_FALSE(asked.done());
  door.open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), kMany % 7);
}

TEST_F(Scale, TwoThreadsComputeOneGraph) {
  ThreadPool pool("test", 2);
  Graph threaded(pool);
  for (int round = 0; round < 5; ++round) {
    world.leaves.set(1, round);
    const Hash128 hash = world.leaf(1).hash;
    threaded.invalidate({&hash, 1});
    const Result<Answer> answer =
        sync_wait(pool, threaded.request(fan(5000), RunId{1}, std::stop_token()));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(value_as<int>(answer->value), (5000 * 4999 / 2 + 5000 * round) % 1000);
  }
}

}  // namespace
}  // namespace kiln::graph
