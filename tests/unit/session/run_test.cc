#include "daemon/session/run.h"

#include <gtest/gtest.h>

#include <thread>

#include "common/types/run_parts.h"

namespace kiln::session {
namespace {

TEST(RunsTest, RunsHaveGrowingIds) {
  Runs runs;
  const auto first = *runs.begin(nullptr);
  const auto second = *runs.begin(nullptr);
  EXPECT_LT(first->id(), second->id());
  EXPECT_NE(first->id(), RunId{}) << "0 is no run";
}

// Slots are shared between clients, and a batch is one of them.
TEST(RunsTest, APartIsNewerThanItsWholeAndKnownAsItsPart) {
  Runs runs;
  const auto whole = *runs.begin(nullptr);
  const auto other = *runs.begin(nullptr);
  const auto part = runs.begin_part(*whole);
  EXPECT_GT(part->id(), other->id());
  EXPECT_EQ(whole_of(part->id()), whole_of(whole->id()));
  EXPECT_NE(whole_of(part->id()), whole_of(other->id()));
  EXPECT_EQ(runs.in_flight(), 3U);
  whole->cancel();
  EXPECT_TRUE(part->token().stop_requested());
  EXPECT_FALSE(other->token().stop_requested());
}

TEST(RunsTest, CloseRefusesAndLeavesTheOthersAlone) {
  Runs runs;
  const auto run = *runs.begin(nullptr);
  runs.close();
  const auto refused = runs.begin(nullptr);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(runs.in_flight(), 1u);
  EXPECT_FALSE(run->token().stop_requested());
}

TEST(RunsTest, CloseCancelsWhatOnlyWaitsForSomethingToHappen) {
  Runs runs;
  const auto rests = *runs.begin(nullptr);
  const auto rested = *runs.begin(nullptr);
  const auto late = *runs.begin(nullptr);
  const Run::Rest rest(*rests);
  { const Run::Rest over(*rested); }
  runs.close();
  EXPECT_TRUE(rests->token().stop_requested());
  EXPECT_FALSE(rested->token().stop_requested());
  EXPECT_FALSE(late->token().stop_requested());
  const Run::Rest too_late(*late);
  EXPECT_TRUE(late->token().stop_requested());
}

TEST(RunsTest, IdlenessCountsFromTheEndOfTheLastRun) {
  Runs runs;
  {
    const auto run = *runs.begin(nullptr);
    EXPECT_EQ(runs.idle(), std::chrono::steady_clock::duration::zero());
  }
  EXPECT_GT(runs.idle(), std::chrono::steady_clock::duration::zero());
  EXPECT_EQ(runs.in_flight(), 0u);
}

TEST(RunsTest, CancelAllReachesEveryRunInFlight) {
  Runs runs;
  const auto one = *runs.begin(nullptr);
  const auto two = *runs.begin(nullptr);
  runs.cancel_all();
  EXPECT_TRUE(one->token().stop_requested());
  EXPECT_TRUE(two->token().stop_requested());
}

TEST(RunsTest, ARunMayEndWhileItHearsThatItIsCancelled) {
  Runs runs;
  auto run = *runs.begin(nullptr);
  const std::stop_callback ends(run->token(), [&run] { run.reset(); });
  runs.cancel_all();
  EXPECT_EQ(runs.in_flight(), 0u);
}

TEST(RunsTest, DrainingServesUntilTheRunsOfThatMomentHaveEnded) {
  Runs runs;
  auto first = *runs.begin(nullptr);
  runs.describe(*first, "exec make");
  EXPECT_FALSE(runs.ending());
  runs.drain();
  EXPECT_TRUE(runs.ending());
  EXPECT_FALSE(runs.closed());
  EXPECT_FALSE(first->token().stop_requested());
  ASSERT_EQ(runs.oldest(5).size(), 1u);
  EXPECT_EQ(runs.oldest(5)[0].what, "exec make");
  const auto within = runs.begin(nullptr);
  ASSERT_TRUE(within.ok()) << "it may come from the first";
  const Run::Rest rest(**within);
  EXPECT_TRUE((*within)->token().stop_requested()) << "nobody waits for a change";
  first.reset();
  EXPECT_TRUE(runs.closed());
  EXPECT_FALSE(runs.begin(nullptr).ok());
  EXPECT_EQ(runs.in_flight(), 1u);
}

TEST(RunsTest, DrainingWithNothingInFlightCloses) {
  Runs runs;
  runs.drain();
  EXPECT_TRUE(runs.closed());
}

TEST(RunsTest, WaitingEndsWithTheLastRun) {
  Runs runs;
  auto one = *runs.begin(nullptr);
  auto two = *runs.begin(nullptr);
  runs.close();
  std::thread ends([&] {
    one.reset();
    two.reset();
  });
  runs.wait_until_idle();
  EXPECT_EQ(runs.in_flight(), 0u);
  ends.join();
}

}  // namespace
}  // namespace kiln::session
