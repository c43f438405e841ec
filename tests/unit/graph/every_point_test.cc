// One thing happens, at each point of a timeline in turn: between any two pieces of work that the
// executor runs.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

// top(0) asks for middle(1) and middle(2) at once, then for middle(3); middle(n) for leaf n and
// leaf 0, one after the other. All of them yield now and then, so that there are many points.
class EveryPoint : public testing::Test {
 protected:
  struct Stage {
    World world;
    Toy middle{"middle", world.record, [this](Context& c, int n) { return run_middle(c, n); }};
    Toy top{"top", world.record, [this](Context& c, int) { return run_top(c); }};
    std::optional<Graph> graph;

    explicit Stage(Options options = {}) {
      graph.emplace(world.executor, options);
      for (int leaf = 0; leaf <= 3; ++leaf) world.leaves.set(leaf, leaf + 1);
    }
    int now() const {
      const auto middle_of = [&](int n) { return world.leaves.get(n) * 2 + world.leaves.get(0); };
      return middle_of(1) * 10000 + middle_of(2) * 100 + middle_of(3);
    }
    // Remembered in an earlier state, so that there is much to re-check.
    void remember() {
      world.ask(*graph, top(0));
      world.set(*graph, 1, 6);
      world.set(*graph, 3, 7);
      world.record.take();
    }
    bool step() { return world.executor.step(); }

   private:
    Task<Result<Computed>> run_middle(Context& context, int n) {
      KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
      co_await resume_on(world.executor);
      KILN_CO_ASSIGN(const ValueRef zero, co_await context.get(world.leaf(0)));
      co_return computed(value_as<int>(leaf) * 2 + value_as<int>(zero));
    }
    Task<Result<Computed>> run_top(Context& context) {
      co_await resume_on(world.executor);
      std::vector<Key> keys;
      keys.push_back(middle(1));
      keys.push_back(middle(2));
      KILN_CO_ASSIGN(const std::vector<ValueRef> both, co_await context.get_all(std::move(keys)));
      co_await resume_on(world.executor);
      KILN_CO_ASSIGN(const ValueRef last, co_await context.get(middle(3)));
      co_return computed(value_as<int>(both[0]) * 10000 + value_as<int>(both[1]) * 100 +
                         value_as<int>(last));
    }
  };

  // `timeline` for each point, from nothing and from what is remembered. It is told at which point
  // to do its thing, and says whether it came to it.
  static void at_every_point(const std::function<bool(Stage&, int point)>& timeline) {
    for (const bool remembered : {false, true}) {
      int point = 0;
      for (;; ++point) {
        SCOPED_TRACE(std::string(remembered ? "re-checking" : "from nothing") + ", point " +
                     std::to_string(point));
        Stage stage;
        if (remembered) stage.remember();
        if (!timeline(stage, point) || testing::Test::HasFailure()) break;
      }
      EXPECT_GT(point, 5) << "there are points";
    }
  }
  // False: it came to an end before.
  static bool step_to(Stage& stage, int point) {
    for (int i = 0; i < point; ++i) {
      if (!stage.step()) return false;
    }
    return true;
  }
  static void expect_quiet(Stage& stage) {
    ASSERT_EQ(stage.world.ask(*stage.graph, stage.top(0)), stage.now());
    stage.world.record.take();
    ASSERT_EQ(stage.world.ask(*stage.graph, stage.top(0)), stage.now());
    ASSERT_EQ(stage.world.record.take(), Ran{});
  }
};

TEST_F(EveryPoint, ARequestMayBeCancelled) {
  at_every_point([](Stage& stage, int point) {
    Asked asked(stage.world.executor, *stage.graph, stage.top(0));
    const bool reached = step_to(stage, point);
    asked.cancel();
    stage.world.executor.drain();
    EXPECT_TRUE(asked.done());
    if (asked.answer().ok()) {
      EXPECT_EQ(asked.value(), stage.now());
    } else {
      EXPECT_EQ(asked.answer().error().code(), ErrorCode::kCancelled);
    }
    expect_quiet(stage);
    return reached;
  });
}

TEST_F(EveryPoint, OneOfTwoMayBeCancelledAndTheOtherHearsNothingOfIt) {
  at_every_point([](Stage& stage, int point) {
    Asked cancelled(stage.world.executor, *stage.graph, stage.top(0));
    Asked other(stage.world.executor, *stage.graph, stage.middle(2));
    Asked third(stage.world.executor, *stage.graph, stage.top(0), RunId{2});
    const bool reached = step_to(stage, point);
    cancelled.cancel();
    stage.world.executor.drain();
    EXPECT_EQ(other.value(), stage.world.leaves.get(2) * 2 + 1);
    EXPECT_EQ(third.value(), stage.now());
    const Ran ran = stage.world.record.take();
    EXPECT_EQ(std::adjacent_find(ran.begin(), ran.end()), ran.end()) << "nothing runs twice";
    expect_quiet(stage);
    return reached;
  });
}

TEST_F(EveryPoint, ALeafMayChange) {
  for (int leaf = 0; leaf <= 3; ++leaf) {
    at_every_point([leaf](Stage& stage, int point) {
      const int before = stage.now();
      Asked asked(stage.world.executor, *stage.graph, stage.top(0));
      const bool reached = step_to(stage, point);
      const bool answered = asked.done();
      stage.world.set(*stage.graph, leaf, 9);
      stage.world.executor.drain();
      EXPECT_EQ(asked.value(), answered ? before : stage.now());
      expect_quiet(stage);
      return reached;
    });
  }
}

TEST_F(EveryPoint, ALeafMayChangeAndChangeBack) {
  at_every_point([](Stage& stage, int point) {
    Asked asked(stage.world.executor, *stage.graph, stage.top(0));
    const bool reached = step_to(stage, point);
    stage.world.set(*stage.graph, 2, 9);
    stage.step();
    stage.world.set(*stage.graph, 2, 3);
    stage.world.executor.drain();
    EXPECT_EQ(asked.value(), stage.now());
    expect_quiet(stage);
    return reached;
  });
}

TEST_F(EveryPoint, TheGraphMayGo) {
  at_every_point([](Stage& stage, int point) {
    Asked asked(stage.world.executor, *stage.graph, stage.top(0));
    const bool reached = step_to(stage, point + 1);  // it has begun
    // Its destructor waits for what only this thread runs.
    std::atomic<bool> gone{false};
    std::thread closing([&] {
      stage.graph.reset();
      gone = true;
    });
    while (!gone) stage.world.executor.drain();
    closing.join();
    stage.world.executor.drain();
    EXPECT_TRUE(asked.done());
    if (!asked.answer().ok()) {
      EXPECT_EQ(asked.answer().error().code(), ErrorCode::kCancelled);
    }
    return reached;
  });
}

// With room for one value nearly every value goes before it is read.
TEST_F(EveryPoint, ValuesMayGoBeforeTheyAreRead) {
  const Options one_value{.value_bytes_cap = make_value(0)->bytes(),
                          .ticks = [] { return uint64_t{0}; }};
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("order " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Stage stage(one_value);
    for (int round = 0; round < 3; ++round) {
      Asked first(stage.world.executor, *stage.graph, stage.top(0));
      Asked second(stage.world.executor, *stage.graph, stage.middle(1));
      Asked third(stage.world.executor, *stage.graph, stage.world.leaf(0));
      while (const size_t pending = stage.world.executor.pending()) {
        stage.world.executor.step_at(random() % pending);
      }
      ASSERT_EQ(first.value(), stage.now());
      ASSERT_EQ(second.value(), stage.world.leaves.get(1) * 2 + stage.world.leaves.get(0));
      ASSERT_EQ(third.value(), stage.world.leaves.get(0));
      ASSERT_LE(stage.graph->stats().value_bytes, one_value.value_bytes_cap);
      stage.world.set(*stage.graph, round, 5 + round);
    }
    ASSERT_GT(stage.graph->stats().evicted, 10u);
  }
}

}  // namespace
}  // namespace kiln::graph
