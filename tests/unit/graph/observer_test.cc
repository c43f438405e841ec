// What an observer is told: spans, their parents, why they ran and how they ended.
#include "daemon/graph/observer.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::kChanged:
      return "changed";
    case Ending::kUnchanged:
      return "unchanged";
    case Ending::kFailed:
      return "failed";
    case Ending::kCancelled:
      return "cancelled";
  }
  return "";
}

// Writes down what it is told: "1<0 run 1 above(0): first run", "1 above(0): changed 107".
class Recorder final : public Observer {
 public:
  SpanId function_started(const FunctionStart& start) override {
    const SpanId span{interested ? ++last_ : 0};
    std::string line = text(span) + "<" + text(start.parent) + " run " +
                       std::to_string(start.run.value) + " " + start.key.describe() + ": " +
                       std::string(run_reason_name(start.reason));
    if (start.changed != nullptr) line += " " + start.changed->describe();
    add(std::move(line));
    return span;
  }
  void function_ended(const FunctionEnd& end) override {
    add(text(end.span) + " " + end.key.describe() + ": " + std::string(name_of(end.ending)) +
        outcome(end.value, end.error) + (end.validity == Validity::kNever ? " never" : ""));
  }
  void answered(const Remembered& answer) override {
    add(std::string(recall_name(answer.recall)) + "<" + text(answer.parent) + " run " +
        std::to_string(answer.run.value) + " " + answer.key.describe() + ":" +
        outcome(answer.value, answer.error));
  }

  std::vector<std::string> take() {
    return told_.with([](auto& told) { return std::exchange(told, {}); });
  }

  std::atomic<bool> interested{true};

 private:
  static std::string text(SpanId span) { return std::to_string(span.value); }
  static std::string outcome(const Value* value, const Error* error) {
    if (error != nullptr) return " " + error->message();
    return value == nullptr ? "" : " " + std::to_string(value_as<int>(*value));
  }
  void add(std::string line) {
    told_.with([&](auto& told) { told.push_back(std::move(line)); });
  }
  std::atomic<uint64_t> last_{0};
  Synchronized<std::vector<std::string>> told_;
};

class ObserverTest : public testing::Test {
 protected:
  World world;
  Recorder recorder;
  std::deque<Door> doors = std::deque<Door>(4);
  size_t next_door = 0;
  size_t doors_in_use = 0;
  std::atomic<uint64_t> seen_span{0};
  Toy slow{"slow", world.record, [this](Context& c, int n) { return run_slow(c, n); }};
  Toy above{"above", world.record, [this](Context& c, int n) { return run_above(c, n); }};
  Toy sign{"sign", world.record, [this](Context& c, int n) { return run_sign(c, n); }};
  Toy dice{"dice", world.record, [](Context&, int) { return run_dice(); }};
  Toy endless{"endless", world.record, [this](Context& c, int) { return run_endless(c); }};
  Graph graph{world.executor, {.observer = &recorder}};

  // Reads its leaf, then waits at the next door, if one is in use.
  Task<Result<Computed>> run_slow(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    if (next_door < doors_in_use) {
      Door& door = doors[next_door];
      ++next_door;
      co_await door.wait();
    }
    if (value_as<int>(leaf) < 0) co_return user_error(ErrorCode::kInvalidArgument, "negative");
    co_return computed(value_as<int>(leaf));
  }
  Task<Result<Computed>> run_above(Context& context, int n) {
    seen_span = context.span().value;
    KILN_CO_ASSIGN(const ValueRef below, co_await context.get(slow(n)));
    co_return computed(value_as<int>(below) + 100);
  }
  Task<Result<Computed>> run_sign(Context& context, int n) {
    KILN_CO_ASSIGN(const ValueRef leaf, co_await context.get(world.leaf(n)));
    co_return computed(value_as<int>(leaf) < 0 ? -1 : 1);
  }
  static Task<Result<Computed>> run_dice() { co_return computed(6, Validity::kNever); }
  Task<Result<Computed>> run_endless(Context& context) {
    co_await UntilStopped(context.stop_token(), world.executor);
    co_return user_error(ErrorCode::kCancelled, "told to stop");
  }
};

TEST_F(ObserverTest, ASpanHasTheSpanThatAskedAsItsParent) {
  world.leaves.set(1, 7);
  EXPECT_EQ(world.ask(graph, above(1), RunId{3}), 107);
  EXPECT_EQ(recorder.take(), (Ran{"1<0 run 3 above(1): first run", "2<1 run 3 slow(1): first run",
                                  "3<2 run 3 leaf(1): first run", "3 leaf(1): changed 7",
                                  "2 slow(1): changed 7", "1 above(1): changed 107"}));
  EXPECT_EQ(seen_span, 1u);
}

TEST_F(ObserverTest, ARequestFromOutsideMayNameTheParent) {
  Scope scope;
  scope.spawn(world.executor, [](Graph& g, Key key) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE((co_await g.request(key, RunId{1}, {}, SpanId{77})).ok());
    }
  }(graph, world.leaf(1)));
  world.executor.drain();
  scope.join();
  EXPECT_EQ(recorder.take(), (Ran{"1<77 run 1 leaf(1): first run", "1 leaf(1): changed 0",
                                  "unchanged<77 run 1 leaf(1): 0"}));
}

TEST_F(ObserverTest, WhatReChecksIsNoSpanAndWhatChangedIsNamed) {
  world.leaves.set(1, 7);
  world.ask(graph, above(1));
  recorder.take();
  world.set(graph, 1, 8);
  EXPECT_EQ(world.ask(graph, above(1), RunId{2}), 108);
  EXPECT_EQ(recorder.take(),
            (Ran{"4<0 run 2 leaf(1): invalidated", "4 leaf(1): changed 8",
                 "5<0 run 2 slow(1): input changed leaf(1)", "5 slow(1): changed 8",
                 "6<0 run 2 above(1): input changed slow(1)", "6 above(1): changed 108"}));
}

TEST_F(ObserverTest, AnEndThatChangesNothingSaysSoAndTheRequestWasRemembered) {
  world.leaves.set(1, 7);
  world.ask(graph, sign(1));
  recorder.take();
  world.set(graph, 1, 7);
  world.ask(graph, sign(1));
  EXPECT_EQ(recorder.take(), (Ran{"3<0 run 1 leaf(1): invalidated", "3 leaf(1): unchanged 7",
                                  "inputs unchanged<0 run 1 sign(1): 1"}));
  world.set(graph, 1, 8);
  world.ask(graph, sign(1));
  EXPECT_EQ(recorder.take(),
            (Ran{"4<0 run 1 leaf(1): invalidated", "4 leaf(1): changed 8",
                 "5<0 run 1 sign(1): input changed leaf(1)", "5 sign(1): unchanged 1"}));
}

TEST_F(ObserverTest, WhatWasReCheckedOnceIsUnchangedFromThenOn) {
  world.leaves.set(1, 7);
  world.ask(graph, above(1));
  world.set(graph, 1, 7);
  // What lies below was cleaned on the way: it needs no look of its own.
  recorder.take();
  world.ask(graph, above(1));
  EXPECT_EQ(recorder.take().back(), "inputs unchanged<0 run 1 above(1): 107");
  world.ask(graph, slow(1));
  EXPECT_EQ(recorder.take().back(), "unchanged<0 run 1 slow(1): 7");
  world.set(graph, 2, 1);
  world.ask(graph, above(1));
  EXPECT_EQ(recorder.take().back(), "unchanged<0 run 1 above(1): 107") << "it never read that one";
}

TEST_F(ObserverTest, ASharedRunIsToldOnceAndWhoJoinedHearsOfTheAnswer) {
  doors_in_use = 1;
  world.leaves.set(1, 7);
  Asked first(world.executor, graph, slow(1), RunId{1});
  Asked second(world.executor, graph, slow(1), RunId{2});
  world.executor.drain();
  doors[0].open();
  world.executor.drain();
  EXPECT_TRUE(second.answer()->joined);
  EXPECT_EQ(recorder.take(),
            (Ran{"1<0 run 1 slow(1): first run", "2<1 run 1 leaf(1): first run",
                 "2 leaf(1): changed 7", "1 slow(1): changed 7", "joined<0 run 2 slow(1): 7"}));
}

TEST_F(ObserverTest, WhatASharedRunAsksForIsOfTheRunThatStartedIt) {
  doors_in_use = 1;
  world.leaves.set(1, 7);
  Asked first(world.executor, graph, above(1), RunId{1});
  world.executor.drain();
  // The newer run keeps slow(1) going, and above(1) of the older one is gone.
  Asked second(world.executor, graph, slow(1), RunId{2});
  world.executor.drain();
  first.cancel();
  world.executor.drain();
  world.set(graph, 1, 8);
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(second.value(), 8);
  std::vector<std::string> told = recorder.take();
  EXPECT_EQ(told.back(), "joined<0 run 2 slow(1): 8");
  told.pop_back();
  for (const std::string& line : told) EXPECT_EQ(line.find("run 2"), std::string::npos) << line;
}

TEST_F(ObserverTest, AnErrorIsTheEndOfEachSpanThatItEnds) {
  world.leaves.set(1, -1);
  EXPECT_FALSE(world.answer(graph, above(1)).ok());
  EXPECT_EQ(recorder.take(), (Ran{"1<0 run 1 above(1): first run", "2<1 run 1 slow(1): first run",
                                  "3<2 run 1 leaf(1): first run", "3 leaf(1): changed -1",
                                  "2 slow(1): failed negative", "1 above(1): failed negative"}));
  EXPECT_FALSE(world.answer(graph, slow(1)).ok());
  EXPECT_EQ(recorder.take(),
            (Ran{"4<0 run 1 slow(1): failed before", "4 slow(1): failed negative"}));
}

TEST_F(ObserverTest, WhoJoinedAFailureHearsOfIt) {
  doors_in_use = 1;
  world.leaves.set(1, -1);
  Asked first(world.executor, graph, slow(1), RunId{1});
  Asked second(world.executor, graph, slow(1), RunId{2});
  world.executor.drain();
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(recorder.take().back(), "joined<0 run 2 slow(1): negative");
}

TEST_F(ObserverTest, ASpanThatNobodyWaitsForEndsCancelled) {
  Asked asked(world.executor, graph, endless(1));
  world.executor.drain();
  asked.cancel();
  world.executor.drain();
  EXPECT_EQ(recorder.take(),
            (Ran{"1<0 run 1 endless(1): first run", "1 endless(1): cancelled told to stop"}));
}

TEST_F(ObserverTest, AFunctionThatRunsAgainForAChangeIsAnotherSpan) {
  doors_in_use = 1;
  world.leaves.set(1, 7);
  Asked asked(world.executor, graph, slow(1));
  world.executor.drain();
  world.set(graph, 1, 8);
  doors[0].open();
  world.executor.drain();
  EXPECT_EQ(asked.value(), 8);
  EXPECT_EQ(
      recorder.take(),
      (Ran{"1<0 run 1 slow(1): first run", "2<1 run 1 leaf(1): first run", "2 leaf(1): changed 7",
           "1 slow(1): changed 7", "3<0 run 1 leaf(1): invalidated", "3 leaf(1): changed 8",
           "4<0 run 1 slow(1): input changed leaf(1)", "4 slow(1): changed 8"}));
}

TEST_F(ObserverTest, TheValidityOfAValueIsTold) {
  world.ask(graph, dice(1));
  EXPECT_EQ(recorder.take().back(), "1 dice(1): changed 6 never");
}

TEST_F(ObserverTest, OneThatDoesNotCareIsNotToldOfEnds) {
  recorder.interested = false;
  world.ask(graph, above(1));
  EXPECT_EQ(recorder.take(), (Ran{"0<0 run 1 above(1): first run", "0<0 run 1 slow(1): first run",
                                  "0<0 run 1 leaf(1): first run"}));
}

// Under ThreadSanitizer: every span that began has ended when the last answer is there.
TEST_F(ObserverTest, ThreadsTellOfEverySpanOnceAndOfItsEndOnce) {
  ThreadPool pool("observed", 4);
  Graph shared(pool, {.observer = &recorder});
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([&, client] {
      for (int n = 0; n < 50; ++n) {
        Scope scope;
        scope.spawn(pool, [](Graph& g, Key key, RunId run) -> Task<void> {
          (void)co_await g.request(std::move(key), run, {});
        }(shared, above(n % 10), RunId{static_cast<uint64_t>(client * 100 + n)}));
        scope.join();
        if (n % 7 == 0) {
          const Hash128 hash = world.leaf(n % 10).hash;
          shared.invalidate({&hash, 1});
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  size_t began = 0;
  size_t ended = 0;
  for (const std::string& line : recorder.take()) {
    if (line.starts_with("joined") || line.find("unchanged<") != std::string::npos) continue;
    ++(line.find('<') == std::string::npos ? ended : began);
  }
  EXPECT_GE(began, 30u);
  EXPECT_EQ(began, ended);
}

}  // namespace
}  // namespace kiln::graph
