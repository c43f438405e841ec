#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/async/scope.h"
#include "daemon/exec/runners.h"
#include "tests/unit/exec/fake_runner.h"

namespace kiln::exec {
namespace {

using testing::ElementsAre;

// Writes down what begins and ends: "began wait_for_slot of 101".
class RecordingSpans final : public trace::Spans {
 public:
  SpanId begin_part(SpanId whole, std::string name, std::string) override {
    told.push_back("began " + name + " of " + std::to_string(whole.value));
    return {++last_};
  }
  void end_part(SpanId part) override { told.push_back("ended " + std::to_string(part.value)); }

  std::vector<std::string> told;

 private:
  uint64_t last_ = 0;
};

class BoundedRunnerTest : public testing::Test {
 protected:
  BoundedRunnerTest() : bounded_(make_bounded_runner(inner_, 2, executor_, counters_, spans_)) {
    inner_.waits = true;
  }
  ~BoundedRunnerTest() override {
    while (!inner_.pending.empty()) finish_one();
    scope_.join();
  }

  // Asks for a process of that name; what became of it stands in ended_.
  void ask(std::string name, uint64_t run, std::stop_token stop = {}) {
    scope_.spawn(executor_, task(std::move(name), run, std::move(stop)));
    executor_.drain();
  }
  Task<void> task(std::string name, uint64_t run, std::stop_token stop) {
    Process process;
    process.description = name;
    const HostTool tool;
    const Action action;
    const RunRequest request{.process = process,
                             .tool = tool,
                             .action = action,
                             .run = RunId{run},
                             .span = SpanId{run + 100},
                             .keep = KeepSandboxes::kNever,
                             .observer = nullptr,
                             .stop = stop};
    auto result = co_await bounded_->run(request);
    ended_.push_back(name + (result.ok() ? " ran" : " " + result.error().to_string()));
  }
  void finish_one() {
    inner_.finish_one();
    executor_.drain();
  }

  ManualExecutor executor_;
  Counters counters_;
  RecordingSpans spans_;
  FakeRunner inner_;
  std::unique_ptr<BoundedRunner> bounded_;
  std::vector<std::string> ended_;
  Scope scope_;
};

TEST_F(BoundedRunnerTest, RunsAsManyAsThereAreSlots) {
  for (const char* name : {"a", "b", "c", "d"}) ask(name, 1);
  EXPECT_THAT(inner_.started, ElementsAre("a", "b"));
  EXPECT_EQ(counters_["process.waiting"].value(), 2);
  EXPECT_EQ(counters_["process.running"].value(), 2);
  finish_one();
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "c"));
}

TEST_F(BoundedRunnerTest, SharesSlotsFairlyBetweenRuns) {
  for (const char* name : {"a1", "a2", "a3", "a4"}) ask(name, 1);
  ask("b1", 2);
  finish_one();
  EXPECT_THAT(inner_.started, ElementsAre("a1", "a2", "b1"));
}

TEST_F(BoundedRunnerTest, CancellingLeavesTheQueueAtOnce) {
  std::stop_source stop;
  ask("a", 1);
  ask("b", 1);
  ask("waits", 1, stop.get_token());
  ask("d", 1);
  stop.request_stop();
  executor_.drain();
  ASSERT_EQ(ended_.size(), 1u);
  EXPECT_THAT(ended_[0], testing::HasSubstr("waits the process was cancelled"));
  finish_one();
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "d"));
}

TEST_F(BoundedRunnerTest, AWaitIsPartOfTheProcessesSpanAndNoWaitIsNone) {
  ask("a", 1);
  ask("b", 2);
  EXPECT_THAT(spans_.told, testing::IsEmpty());
  std::stop_source stop;
  ask("c", 3);
  ask("d", 4, stop.get_token());
  EXPECT_THAT(spans_.told, ElementsAre("began wait_for_slot of 103", "began wait_for_slot of 104"));
  finish_one();
  EXPECT_EQ(spans_.told.back(), "ended 1") << "its process goes on";
  stop.request_stop();
  executor_.drain();
  EXPECT_EQ(spans_.told.back(), "ended 2");
  EXPECT_EQ(spans_.told.size(), 4u);
}

TEST_F(BoundedRunnerTest, AFailureGivesTheSlotBack) {
  inner_.failure = environment_error(ErrorCode::kResourceExhausted, "disk full");
  for (const char* name : {"a", "b", "c"}) ask(name, 1);
  finish_one();
  finish_one();
  finish_one();
  EXPECT_THAT(ended_, ElementsAre("a disk full", "b disk full", "c disk full"));
  EXPECT_EQ(counters_["process.running"].value(), 0);
}

TEST_F(BoundedRunnerTest, ASlotThatIsLentIsFreeUntilItIsTakenBack) {
  for (const char* name : {"a", "b", "c", "d"}) ask(name, 1);
  ASSERT_EQ(inner_.slots.size(), 2u);
  auto loan = bounded_->lend(inner_.slots[0]);
  executor_.drain();
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "c"));
  EXPECT_EQ(counters_["process.slots_lent"].value(), 1);
  const auto again = bounded_->lend(inner_.slots[0]);
  executor_.drain();
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "c")) << "one slot is lent once";
  loan.reset();
  EXPECT_EQ(counters_["process.slots_lent"].value(), 1) << "the other loan goes on";
}

TEST_F(BoundedRunnerTest, ASlotThatIsTakenBackIsNotGivenToOthers) {
  for (const char* name : {"a", "b", "c", "d"}) ask(name, 1);
  bounded_->lend(inner_.slots[0]);  // and taken back at once, when "c" has it
  executor_.drain();
  finish_one();
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "c")) << "two run, as there are slots";
  finish_one();
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "c", "d"));
}

TEST_F(BoundedRunnerTest, AProcessThatEndsWhileItsSlotIsLentGivesNoneBack) {
  for (const char* name : {"a", "b", "c", "d", "e"}) ask(name, 1);
  auto loan = bounded_->lend(inner_.slots[0]);
  executor_.drain();
  finish_one();  // "a"
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "c"));
  loan.reset();
  finish_one();  // "b"
  EXPECT_THAT(inner_.started, ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(counters_["process.slots_lent"].value(), 0);
}

TEST_F(BoundedRunnerTest, WhatHoldsNoSlotLendsNone) {
  ask("a", 1);
  const SlotId slot = inner_.slots.at(0);
  finish_one();
  EXPECT_EQ(bounded_->lend(slot), nullptr);
  EXPECT_EQ(bounded_->lend(SlotId()), nullptr);
}

}  // namespace
}  // namespace kiln::exec
