// The live lines about what runs, and the summary.
#include "client/running_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

class RunningWorkTest : public testing::Test {
 protected:
  static v1::Event event(v1::Event::Kind kind, uint64_t span, const std::string& name) {
    v1::Event event;
    event.set_kind(kind);
    event.set_span(span);
    event.set_parent(1);
    event.set_name(name);
    return event;
  }
  void start(uint64_t span, const std::string& what, milliseconds at) {
    v1::Event started = event(v1::Event::STARTED, span, "run_process");
    started.set_description(what);
    work_.take(started, begin_ + at);
  }
  void end(uint64_t span, const std::string& source, const std::string& wall = "") {
    v1::Event ended = event(v1::Event::COMPLETED, span, "run_process");
    (*ended.mutable_metadata())["source"] = source;
    if (!wall.empty()) (*ended.mutable_metadata())["wall_seconds"] = wall;
    work_.take(ended, begin_);
  }
  void wait(v1::Event::Kind kind, uint64_t process, milliseconds at) {
    v1::Event waiting = event(kind, 1000 + process, "wait_for_slot");
    waiting.set_parent(process);
    work_.take(waiting, begin_ + at);
  }
  std::vector<std::string> lines(milliseconds at, size_t rows = 10) {
    return work_.lines(begin_ + at, rows);
  }

  const RunningWork::Clock::time_point begin_{};
  RunningWork work_;
};

TEST_F(RunningWorkTest, EachProcessThatRunsHasALineBelowTheCounts) {
  start(2, "Lint a.sh", milliseconds(0));
  start(3, "Lint b.sh", milliseconds(100));
  EXPECT_THAT(lines(milliseconds(1200)),
              ElementsAre("[0/2] 0 ran, 0 cached", "1.20s  Lint a.sh", "1.10s  Lint b.sh"));
  end(2, "ran");
  EXPECT_THAT(lines(milliseconds(1200)), ElementsAre("[1/2] 1 ran, 0 cached", "1.10s  Lint b.sh"));
}

TEST_F(RunningWorkTest, OneProcessAloneIsNotCounted) {
  start(2, "Lint a.sh", milliseconds(0));
  EXPECT_THAT(lines(milliseconds(1200)), ElementsAre("1.20s  Lint a.sh"));
}

TEST_F(RunningWorkTest, WhatWaitsForASlotIsCountedAndItsTimeBeginsAfterwards) {
  start(2, "Lint a.sh", milliseconds(0));
  start(3, "Lint b.sh", milliseconds(0));
  wait(v1::Event::STARTED, 3, milliseconds(0));
  EXPECT_THAT(lines(milliseconds(500)),
              ElementsAre("[0/2] 0 ran, 0 cached, 1 waiting", "0.50s  Lint a.sh"));
  wait(v1::Event::COMPLETED, 3, milliseconds(500));
  EXPECT_THAT(lines(milliseconds(900)),
              ElementsAre("[0/2] 0 ran, 0 cached", "0.90s  Lint a.sh", "0.40s  Lint b.sh"));
}

TEST_F(RunningWorkTest, WhatHasNoRoomIsCounted) {
  for (uint64_t span = 2; span < 12; ++span) {
    start(span, "Lint " + std::to_string(span), milliseconds(0));
  }
  const auto shown = lines(milliseconds(1000), 4);
  ASSERT_EQ(shown.size(), 4u);
  EXPECT_EQ(shown[2], "1.00s  Lint 3");
  EXPECT_EQ(shown[3], "       and 8 more");
}

TEST_F(RunningWorkTest, WhatIsQuickIsNotWorthALine) {
  start(2, "Lint a.sh", milliseconds(0));
  EXPECT_THAT(lines(milliseconds(100)), IsEmpty());
}

TEST_F(RunningWorkTest, WorkThatIsNoProcessIsNotShown) {
  work_.take(event(v1::Event::STARTED, 2, "lint_report"), begin_);
  EXPECT_THAT(lines(milliseconds(5000)), IsEmpty());
}

TEST_F(RunningWorkTest, AnEndWithoutItsStartIsNothing) {
  work_.take(event(v1::Event::COMPLETED, 2, "run_process"), begin_);
  EXPECT_THAT(lines(milliseconds(5000)), IsEmpty());
}

TEST_F(RunningWorkTest, TheSummaryTellsWhatRanWhatWasKnownAndWhatThatSaved) {
  EXPECT_EQ(work_.tally().summary(0.01), "nothing had to run, in 0.01s");
  end(2, "ran", "1.5");
  EXPECT_EQ(work_.tally().summary(1.52), "1 process ran, 0 cached, in 1.52s");
  end(3, "hit_locally", "2.5");
  v1::Event memoized = event(v1::Event::MEMOIZED, 0, "run_process");
  (*memoized.mutable_metadata())["source"] = "memoized";
  (*memoized.mutable_metadata())["wall_seconds"] = "1.0";
  work_.take(memoized, begin_);
  EXPECT_EQ(work_.tally().summary(0.5), "1 process ran, 2 cached, in 0.50s (saved 3.50s)");
}

}  // namespace
}  // namespace kiln
