#include "daemon/session/run.h"

#include <gtest/gtest.h>

#include <thread>

namespace kiln::session {
namespace {

TEST(RunsTest, RunsHaveGrowingIds) {
  Runs runs;
  const auto first = *runs.begin(nullptr);
  const auto second = *runs.begin(nullptr);
  EXPECT_LT(first->id(), second->id());
  EXPECT_NE(first->id(), RunId{}) << "0 is no run";
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
