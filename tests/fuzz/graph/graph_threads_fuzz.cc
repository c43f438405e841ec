// The graph on several threads: clients that ask, cancel and change what is asked for at will,
// under a memory cap, a small budget of nodes or neither. When all is quiet, every value is the
// naive evaluator's.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "tests/fuzz/graph/programs.h"
#include "tests/support/fuzz_seeds.h"
#include "tests/unit/graph/toys.h"

namespace kiln::graph::fuzz {
namespace {

using namespace toys;

class Threads {
 public:
  Threads(uint64_t seed, bool cycles)
      : seed_(seed), plans_(plans_of(seed, cycles)), graph_(pool_, options_of(seed)) {}

  void run() {
    for (uint64_t round = 1; round <= 4; ++round) {
      std::vector<std::thread> threads;
      for (uint64_t i = 0; i < 3; ++i) {
        threads.emplace_back([this, round, i] { ask_and_interfere(round, i); });
      }
      for (std::thread& thread : threads) thread.join();
      ask_for_all(RunId{round});
      if (testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  static Plans plans_of(uint64_t seed, bool cycles) {
    std::mt19937_64 random(seed);
    return random_plans(random, cycles);
  }
  static Options options_of(uint64_t seed) {
    return {.value_bytes_cap = seed % 3 == 0 ? 5 * make_value(0)->bytes() : 0,
            .node_budget = seed % 3 == 1 ? 5u : 0u,
            .max_restarts = 1000};
  }

  void ask_and_interfere(uint64_t round, uint64_t thread) {
    std::mt19937_64 random(seed_ * 1000 + round * 10 + thread);
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<uint64_t>(n)); };
    std::vector<std::unique_ptr<Asked>> asked;
    for (int i = 0; i < 20; ++i) {
      asked.push_back(std::make_unique<Asked>(pool_, graph_, node_(pick(kNodes)), RunId{round}));
      if (pick(4) == 0) asked[static_cast<size_t>(pick(i + 1))]->cancel();
      if (pick(3) == 0) set(pick(kLeaves), pick(6) == 0 ? -1 : pick(4));
    }
    for (const auto& one : asked) await(*one);
  }

  void ask_for_all(RunId run) {
    const World world = world_.with([](const World& now) { return now; });
    for (int n = 0; n < kNodes; ++n) {
      Asked asked(pool_, graph_, node_(n), run);
      ASSERT_TRUE(await(asked));
      const Result<Answer> answer = asked.answer();
      const Expected expected = world.expected(plans_, n);
      ASSERT_EQ(answer.ok(), expected.value.has_value()) << "node(" << n << ")";
      if (answer.ok()) {
        ASSERT_EQ(value_as<int>(answer->value), *expected.value) << "node(" << n << ")";
      } else {
        const bool cycle = answer.error().code() == ErrorCode::kCycle;
        ASSERT_TRUE(cycle ? expected.waits_for_itself : expected.fails)
            << answer.error().to_string() << ", and should be " << expected.text();
      }
    }
  }

  static bool await(const Asked& asked) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!asked.done() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return asked.done();
  }

  void set(int leaf, int value) {
    world_.with([&](World& world) { world.leaves[static_cast<size_t>(leaf)] = value; });
    const Hash128 hash = node_(leaf).hash;
    graph_.invalidate({&hash, 1});
  }

  Task<Result<Computed>> compute(Context& context, int node) {
    if (node < kLeaves) {
      const int value = world_.with([node](const World& world) { return world.leaf(node); });
      if (value < 0) co_return user_error(ErrorCode::kInvalidArgument, "the leaf fails");
      co_return computed(value);
    }
    const Plan& plan = plans_[static_cast<size_t>(node)];
    int sum = node;
    for (const Step& step : plan.steps) {
      std::vector<Key> keys;
      for (const int next : step.asked(sum)) keys.push_back(node_(next));
      const Result<std::vector<ValueRef>> values = co_await context.get_all(std::move(keys));
      if (!values.ok() && (!plan.tolerant || values.error().code() == ErrorCode::kCancelled)) {
        co_return values.error();
      }
      int part = 0;
      if (values.ok()) {
        for (const ValueRef& value : *values) part = part * 3 + value_as<int>(value);
      }
      sum = sum * 3 + (values.ok() ? part : 7);
    }
    co_return computed(sum % 4);
  }

  const uint64_t seed_;
  const Plans plans_;
  Synchronized<World> world_;
  Record record_;
  Toy node_{"node", record_, [this](Context& context, int n) { return compute(context, n); }};
  ThreadPool pool_{"fuzz", 3};
  Graph graph_;
};

TEST(GraphThreadsFuzz, AgreeWithTheNaiveEvaluator) {
  test::FuzzSeeds(30).for_each([](uint64_t seed) { Threads(seed, false).run(); });
}
TEST(GraphThreadsFuzz, AgreeWithTheNaiveEvaluatorOnWhatIsACycle) {
  test::FuzzSeeds(30).for_each([](uint64_t seed) { Threads(seed, true).run(); });
}

}  // namespace
}  // namespace kiln::graph::fuzz
