// Values that are good for a run, or for nobody who asks later.
#include <gtest/gtest.h>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

class ValidityTest : public testing::Test {
 protected:
  World world;
  int reading = 0;
  Toy clock{"clock", world.record, [this](Context&, int) { return run_clock(Validity::kThisRun); }};
  Toy dice{"dice", world.record, [this](Context&, int) { return run_clock(Validity::kNever); }};
  Toy over{"over", world.record, [this](Context& context, int n) { return run_over(context, n); }};
  Toy top{"top", world.record, [this](Context& context, int n) { return run_top(context, n); }};
  Graph graph{world.executor};

  Task<Result<Computed>> run_clock(Validity validity) { co_return computed(reading, validity); }
  Task<Result<Computed>> run_over(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(0)));
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(n == 0 ? clock(0) : dice(0)));
    co_return computed(value_as<int>(leaf) + value_as<int>(below));
  }
  Task<Result<Computed>> run_top(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(over(n)));
    co_return computed(value_as<int>(below) * 2);
  }
};

TEST_F(ValidityTest, AValueForThisRunRunsOncePerRun) {
  EXPECT_EQ(world.ask(graph, clock(0), RunId{1}), 0);
  reading = 1;
  EXPECT_EQ(world.ask(graph, clock(0), RunId{1}), 0);
  EXPECT_EQ(world.ask(graph, clock(0), RunId{2}), 1);
  EXPECT_EQ(world.record.take(), (Ran{"clock(0)", "clock(0)"}));
  EXPECT_EQ(graph.why(clock(0).hash)->reason, RunReason::kNewRun);
}

TEST_F(ValidityTest, DependentsOfAValueForThisRunAreCutOffInTheNextRun) {
  EXPECT_EQ(world.ask(graph, top(0), RunId{1}), 0);
  world.record.take();
  EXPECT_EQ(world.ask(graph, top(0), RunId{1}), 0);
  EXPECT_EQ(world.record.take(), Ran{});
  EXPECT_EQ(world.ask(graph, top(0), RunId{2}), 0);
  EXPECT_EQ(world.record.take(), Ran{"clock(0)"});
  reading = 5;
  EXPECT_EQ(world.ask(graph, top(0), RunId{2}), 0);
  EXPECT_EQ(world.ask(graph, top(0), RunId{3}), 10);
  EXPECT_EQ(world.record.take(), (Ran{"clock(0)", "over(0)", "top(0)"}));
}

TEST_F(ValidityTest, AnEditWithinARunDoesNotComputeItsValuesAgain) {
  EXPECT_EQ(world.ask(graph, top(0), RunId{1}), 0);
  world.record.take();
  reading = 5;
  world.set(graph, 0, 3);
  EXPECT_EQ(world.ask(graph, top(0), RunId{1}), 6);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(0)", "over(0)", "top(0)"}));
}

TEST_F(ValidityTest, AValueForThisRunIsMadeAgainWithinTheRunWhenWhatItReadChanges) {
  Toy sampled{"sampled", world.record, [this](Context& context, int) -> Task<Result<Computed>> {
                KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(1)));
                co_return computed(value_as<int>(leaf) + reading, Validity::kThisRun);
              }};
  Graph own{world.executor};
  EXPECT_EQ(world.ask(own, sampled(0), RunId{1}), 0);
  world.record.take();
  world.set(own, 1, 4);
  EXPECT_EQ(world.ask(own, sampled(0), RunId{1}), 4);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(1)", "sampled(0)"}));
  EXPECT_EQ(world.ask(own, sampled(0), RunId{1}), 4);
  EXPECT_EQ(world.record.take(), Ran{});
}

TEST_F(ValidityTest, AnEditBesideAValueForThisRunRunsOnlyWhatReadsTheEdit) {
  EXPECT_EQ(world.ask(graph, top(0), RunId{1}), 0);
  EXPECT_EQ(world.ask(graph, top(0), RunId{2}), 0);
  world.record.take();
  world.set(graph, 0, 1);
  EXPECT_EQ(world.ask(graph, top(0), RunId{2}), 2);
  EXPECT_EQ(world.record.take(), (Ran{"leaf(0)", "over(0)", "top(0)"})) << "the clock stands";
}

TEST_F(ValidityTest, AValueForNobodyElseRunsForEveryRequest) {
  EXPECT_EQ(world.ask(graph, top(1)), 0);
  world.record.take();
  EXPECT_EQ(world.ask(graph, top(1)), 0);
  EXPECT_EQ(world.record.take(), Ran{"dice(0)"});
  reading = 2;
  EXPECT_EQ(world.ask(graph, top(1)), 4);
  EXPECT_EQ(world.record.take(), (Ran{"dice(0)", "over(1)", "top(1)"}));
}

TEST_F(ValidityTest, ARunIsAnsweredByWhatANewerRunComputed) {
  EXPECT_EQ(world.ask(graph, clock(0), RunId{2}), 0);
  reading = 1;
  EXPECT_EQ(world.ask(graph, clock(0), RunId{1}), 0);
}

// What is read without being told of changes may have changed between the look and the question.
TEST_F(ValidityTest, ANewerRunThatJoinsALookHasItLookAgain) {
  Door door;
  Toy look{"look", world.record, [&](Context&, int) -> Task<Result<Computed>> {
             const int seen = reading;
             if (door.waiting() == 0) co_await door.wait();
             co_return computed(seen, Validity::kAskedBefore);
           }};
  Toy above{"above", world.record, [&](Context& context, int) -> Task<Result<Computed>> {
              KILN_CO_ASSIGN(const ValueRef below, co_await context.get(look(0)));
              co_return computed(value_as<int>(below));
            }};
  Graph own{world.executor};
  Asked first(world.executor, own, above(0), RunId{1});
  world.executor.drain();
  ASSERT_EQ(door.waiting(), 1);
  reading = 7;
  Asked newer(world.executor, own, above(0), RunId{2});
  Asked directly(world.executor, own, look(0), RunId{2});
  world.executor.drain();
  door.open();
  world.executor.drain();
  EXPECT_EQ(newer.value(), 7);
  EXPECT_EQ(directly.value(), 7);
  EXPECT_EQ(world.record.take(), (Ran{"above(0)", "look(0)", "look(0)"}));
  reading = 8;
  EXPECT_EQ(world.ask(own, above(0), RunId{2}), 7) << "it holds for the run";
  EXPECT_EQ(world.ask(own, above(0), RunId{3}), 8);
}

TEST_F(ValidityTest, AnOlderRunThatJoinsALookDoesNotHaveItLookAgain) {
  Door door;
  Toy look{"look", world.record, [&](Context&, int) -> Task<Result<Computed>> {
             co_await door.wait();
             co_return computed(reading, Validity::kAskedBefore);
           }};
  Graph own{world.executor};
  Asked newer(world.executor, own, look(0), RunId{2});
  Asked older(world.executor, own, look(0), RunId{1});
  world.executor.drain();
  door.open();
  world.executor.drain();
  EXPECT_TRUE(newer.done() && older.done());
  EXPECT_EQ(world.record.take(), Ran{"look(0)"});
}

TEST_F(ValidityTest, AnInvalidationReachesDependentsThatWereCleanForAnEarlierRun) {
  EXPECT_EQ(world.ask(graph, top(0), RunId{1}), 0);
  EXPECT_EQ(world.ask(graph, over(0), RunId{2}), 0);
  world.set(graph, 0, 1);
  EXPECT_EQ(world.ask(graph, top(0), RunId{1}), 2);
}

}  // namespace
}  // namespace kiln::graph
