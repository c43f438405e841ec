#include "client/silence.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

using namespace std::chrono_literals;
using Step = Silence::Step;

class SilenceTest : public testing::Test {
 protected:
  const Silence::Clock::time_point start_{};
};

TEST_F(SilenceTest, AsksThenTellsThenGivesUpEachOnce) {
  Silence silence({.ask = 2s, .tell = 3s, .give_up = 10s}, start_);
  EXPECT_EQ(silence.milliseconds_left(start_), 2000);
  EXPECT_EQ(silence.step(start_ + 1999ms), Step::kNone);
  EXPECT_EQ(silence.step(start_ + 2s), Step::kAsk);
  EXPECT_EQ(silence.step(start_ + 2s), Step::kNone);
  EXPECT_EQ(silence.milliseconds_left(start_ + 2s), 3000);
  EXPECT_EQ(silence.step(start_ + 5s), Step::kTell);
  EXPECT_EQ(silence.step(start_ + 11s), Step::kNone);
  EXPECT_EQ(silence.step(start_ + 12s), Step::kGiveUp);
  EXPECT_EQ(silence.milliseconds_left(start_ + 12s), -1);
}

TEST_F(SilenceTest, AByteStartsItAllOver) {
  Silence silence({.ask = 2s, .tell = 3s, .give_up = 10s}, start_);
  EXPECT_EQ(silence.step(start_ + 2s), Step::kAsk);
  EXPECT_FALSE(silence.heard(start_ + 3s));
  EXPECT_EQ(silence.step(start_ + 4s), Step::kNone);
  EXPECT_EQ(silence.step(start_ + 5s), Step::kAsk);
  EXPECT_EQ(silence.step(start_ + 8s), Step::kTell);
  EXPECT_TRUE(silence.heard(start_ + 9s));
}

TEST_F(SilenceTest, WhoWasBusyForLongAsksBeforeItDoubts) {
  Silence silence({.ask = 2s, .tell = 3s, .give_up = 10s}, start_);
  EXPECT_EQ(silence.step(start_ + 1h), Step::kAsk);
  EXPECT_EQ(silence.step(start_ + 1h), Step::kNone);
  EXPECT_EQ(silence.milliseconds_left(start_ + 1h), 3000);
}

TEST_F(SilenceTest, ZeroIsNoLimit) {
  Silence silence({.ask = 2s, .tell = 3s, .give_up = 0s}, start_);
  silence.step(start_ + 2s);
  EXPECT_EQ(silence.step(start_ + 5s), Step::kTell);
  EXPECT_EQ(silence.step(start_ + 24h), Step::kNone);
  EXPECT_EQ(silence.milliseconds_left(start_ + 24h), -1);
}

}  // namespace
}  // namespace kiln
