#include "daemon/exec/slot_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

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

// Calls and finishes one after another, as one slot does; who was called.
std::vector<RunId> serve_all(SlotQueue& queue, std::map<SlotQueue::Ticket, RunId> whose) {
  std::vector<RunId> order;
  while (const auto ticket = queue.call_next()) {
    order.push_back(whose.at(ticket));
    queue.finish(order.back());
  }
  return order;
}

TEST(SlotQueue, OfEquallyBusyRunsTheOneThatCameFirstGoesFirst) {
  SlotQueue queue(1);
  const auto b = queue.enter(kB);
  const auto a = queue.enter(kA);
  EXPECT_EQ(serve_all(queue, {{a, kA}, {b, kB}}), (std::vector{kB, kA}));
}

TEST(SlotQueue, WithOneSlotASmallRunTakesTurnsWithABigOneThatCameBefore) {
  SlotQueue queue(1);
  std::map<SlotQueue::Ticket, RunId> whose;
  for (int i = 0; i < 6; ++i) whose[queue.enter(kA)] = kA;
  ASSERT_NE(queue.call_next(), 0u);  // it has its first slot when the small one comes
  for (int i = 0; i < 2; ++i) whose[queue.enter(kB)] = kB;
  queue.finish(kA);
  EXPECT_EQ(serve_all(queue, whose), (std::vector{kB, kA, kB, kA, kA, kA, kA}));
}

TEST(SlotQueue, EverNewSmallRunsDoNotStarveABigOne) {
  SlotQueue queue(1);
  std::map<SlotQueue::Ticket, RunId> whose;
  for (int i = 0; i < 100; ++i) whose[queue.enter(kA)] = kA;
  // At any time ten small runs wait; each that ends is followed by another.
  uint64_t last_run = kA.value;
  const auto come = [&] {
    const RunId small{++last_run};
    whose[queue.enter(small)] = small;
  };
  for (int i = 0; i < 10; ++i) come();
  int of_big = 0;
  for (int i = 0; i < 220; ++i) {
    const RunId run = whose.at(queue.call_next());
    queue.finish(run);
    run == kA ? static_cast<void>(++of_big) : come();
  }
  EXPECT_EQ(of_big, 20) << "its turn comes when those have had theirs who waited before";
}

TEST(SlotQueue, AnyNumberOfRunsShareAnyNumberOfSlotsWithinOneProcess) {
  for (size_t slots = 1; slots <= 5; ++slots) {
    SlotQueue queue(slots);
    constexpr size_t kRuns = 7;
    std::map<SlotQueue::Ticket, RunId> whose;
    for (size_t r = 1; r <= kRuns; ++r) {
      for (int i = 0; i < 30; ++i) whose[queue.enter(RunId{r})] = RunId{r};
    }
    std::deque<RunId> running;
    std::map<RunId, int> served;
    for (int i = 0; i < 100; ++i) {
      while (const auto ticket = queue.call_next()) {
        running.push_back(whose.at(ticket));
        ++served[running.back()];
      }
      EXPECT_EQ(running.size(), slots);
      queue.finish(running.front());
      running.pop_front();
    }
    const auto [least, most] =
        std::minmax_element(served.begin(), served.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_EQ(served.size(), kRuns);
    EXPECT_LE(most->second - least->second, 1) << slots << " slots";
  }
}

}  // namespace
}  // namespace kiln::exec
