// What a loop relies on: asked again, a node has another generation when its value changed, and
// only then. A loop asks again whenever something was invalidated.
#include <gtest/gtest.h>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class Poll : public testing::Test {
 protected:
  World world;
  int reading = 0;
  bool failing = false;
  Toy sampled{"sampled", world.record,
              [this](Context& context, int n) { return sample(context, n); }};
  Toy above{"above", world.record,
            [this](Context& context, int n) { return run_above(context, n); }};
  Graph graph{world.executor};

  // Once per run; once per request for n = 1.
  Task<Result<Computed>> sample(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(0)));
    if (failing) co_return user_error(ErrorCode::kInvalidArgument, "it fails");
    co_return computed(value_as<int>(leaf) % 2 + reading,
                       n == 0 ? Validity::kThisRun : Validity::kNever);
  }
  Task<Result<Computed>> run_above(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(sampled(n)));
    co_return computed(value_as<int>(below) * 2);
  }
  uint64_t generation(int n, RunId run) { return world.answer(graph, above(n), run)->generation; }
};

TEST_F(Poll, OverAnUncacheableNodeFindsNothingNewWithinTheRun) {
  const uint64_t first = generation(0, RunId{1});
  world.record.take();
  reading = 1;
  EXPECT_EQ(generation(0, RunId{1}), first);
  EXPECT_EQ(world.record.take(), Ran{});
}

TEST_F(Poll, OverAnUncacheableNodeLooksAgainInEachRunAndSeesOnlyWhatChanged) {
  const uint64_t first = generation(0, RunId{1});
  world.record.take();
  EXPECT_EQ(generation(0, RunId{2}), first);
  EXPECT_EQ(world.record.take(), Ran{"sampled(0)"});
  reading = 1;
  const uint64_t second = generation(0, RunId{3});
  EXPECT_GT(second, first);
  EXPECT_EQ(generation(0, RunId{4}), second);
}

TEST_F(Poll, OverAnUncacheableNodeSeesAChangeBelowItWithinTheRun) {
  const uint64_t first = generation(0, RunId{1});
  world.set(graph, 0, 2);  // another leaf, the same parity
  EXPECT_EQ(generation(0, RunId{1}), first);
  world.set(graph, 0, 3);
  EXPECT_GT(generation(0, RunId{1}), first);
}

TEST_F(Poll, OverAValueForNobodyElseMakesItEachTimeAndSeesOnlyWhatChanged) {
  const uint64_t first = generation(1, RunId{1});
  EXPECT_EQ(generation(1, RunId{1}), first);
  EXPECT_EQ(world.record.take(), (Ran{"above(1)", "leaf(0)", "sampled(1)", "sampled(1)"}));
  reading = 1;
  EXPECT_GT(generation(1, RunId{1}), first);
}

TEST_F(Poll, OverAnErrorGoesOnWithTheGenerationsOfBefore) {
  const uint64_t first = generation(0, RunId{1});
  failing = true;
  world.set(graph, 0, 1);
  EXPECT_FALSE(world.answer(graph, above(0), RunId{2}).ok());
  EXPECT_FALSE(world.answer(graph, above(0), RunId{2}).ok());
  failing = false;
  world.set(graph, 0, 0);
  EXPECT_EQ(generation(0, RunId{3}), first) << "what was before the error is there again";
  world.set(graph, 0, 1);
  EXPECT_GT(generation(0, RunId{3}), first);
}

}  // namespace
}  // namespace kiln::graph
