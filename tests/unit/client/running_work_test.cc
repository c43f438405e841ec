// The one live line about what runs.
#include "client/running_work.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

using std::chrono::milliseconds;

class RunningWorkTest : public testing::Test {
 protected:
  void tell(v1::Event::Kind kind, uint64_t span, uint64_t parent, const std::string& what,
            milliseconds at) {
    v1::Event event;
    event.set_kind(kind);
    event.set_span(span);
    event.set_parent(parent);
    event.set_level(v1::Event::INFO);
    event.set_description(what);
    work_.take(event, begin_ + at);
  }
  std::string line(milliseconds at) { return work_.line(begin_ + at).value_or(""); }

  const RunningWork::Clock::time_point begin_{};
  RunningWork work_;
};

TEST_F(RunningWorkTest, WhatHasRunLongestIsShownWithTheNumberOfOthers) {
  tell(v1::Event::STARTED, 2, 1, "Lint a.sh", milliseconds(0));
  tell(v1::Event::STARTED, 3, 1, "Lint b.sh", milliseconds(100));
  EXPECT_EQ(line(milliseconds(1200)), "1.20s  Lint a.sh  (and 1 more)");
  tell(v1::Event::COMPLETED, 2, 1, "Lint a.sh", milliseconds(1200));
  EXPECT_EQ(line(milliseconds(1200)), "1.10s  Lint b.sh");
}

TEST_F(RunningWorkTest, WhatIsQuickIsNotWorthALine) {
  tell(v1::Event::STARTED, 2, 1, "Lint a.sh", milliseconds(0));
  EXPECT_EQ(line(milliseconds(100)), "");
}

TEST_F(RunningWorkTest, TheRequestItselfIsNotShown) {
  tell(v1::Event::STARTED, 1, 0, "lint", milliseconds(0));
  EXPECT_EQ(line(milliseconds(5000)), "");
}

TEST_F(RunningWorkTest, AnEndWithoutItsStartIsNothing) {
  tell(v1::Event::COMPLETED, 2, 1, "Lint a.sh", milliseconds(0));
  EXPECT_EQ(line(milliseconds(5000)), "");
}

}  // namespace
}  // namespace kiln
