#include "daemon/exec/slot_queue.h"

#include <gtest/gtest.h>

namespace kiln::exec {
namespace {

constexpr RunId kA{1};
constexpr RunId kB{2};

TEST(SlotQueue, FirstComeFirstServedWithinARun) {
  SlotQueue queue(2);
  const auto first = queue.enter(kA);
  const auto second = queue.enter(kA);
  queue.enter(kA);
  EXPECT_EQ(queue.call_next(), first);
  EXPECT_EQ(queue.call_next(), second);
  EXPECT_EQ(queue.call_next(), 0u) << "both slots are taken";
}

TEST(SlotQueue, TheRunWithFewerRunningGoesFirst) {
  SlotQueue queue(2);
  queue.enter(kA);
  queue.enter(kA);
  const auto third_of_a = queue.enter(kA);
  const auto first_of_b = queue.enter(kB);
  queue.call_next();                         // a runs one
  EXPECT_EQ(queue.call_next(), first_of_b);  // though two of a came before
  queue.finish(kB);
  queue.call_next();
  queue.finish(kA);
  EXPECT_EQ(queue.call_next(), third_of_a);
}

TEST(SlotQueue, ABigRunCannotHoldBackASmallOne) {
  SlotQueue queue(2);
  for (int i = 0; i < 1000; ++i) queue.enter(kA);
  queue.call_next();
  queue.call_next();
  const auto small = queue.enter(kB);
  queue.finish(kA);
  EXPECT_EQ(queue.call_next(), small);
}

TEST(SlotQueue, WhoLeavesIsNotCalled) {
  SlotQueue queue(1);
  const auto first = queue.enter(kA);
  const auto second = queue.enter(kA);
  EXPECT_TRUE(queue.leave(kA, first));
  EXPECT_FALSE(queue.leave(kA, first));
  EXPECT_EQ(queue.call_next(), second);
  EXPECT_FALSE(queue.leave(kA, second)) << "it has its slot already";
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(SlotQueue, EqualRunsTakeTurnsByWhoWaitedLongest) {
  SlotQueue queue(1);
  const auto b = queue.enter(kB);
  const auto a = queue.enter(kA);
  EXPECT_EQ(queue.call_next(), b);
  queue.finish(kB);
  EXPECT_EQ(queue.call_next(), a);
}

}  // namespace
}  // namespace kiln::exec
