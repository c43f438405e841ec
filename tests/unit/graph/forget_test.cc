// Nodes that nobody needs any more are forgotten, so that edits do not make the graph grow.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

// As rules over a workspace are: a file's node depends on nothing, and what is made of its content
// has the content as its param, so that every content has nodes of its own.
class Forgetting : public testing::Test {
 protected:
  static constexpr uint64_t kBudget = 200;
  World world;
  Toy parse{"parse", world.record, [](Context&, int content) { return digit_sum(content); }};
  Toy file_of{"file_of", world.record, [this](Context& c, int file) { return parsed(c, file); }};
  Toy all{"all", world.record, [this](Context& context, int files) { return sum(context, files); }};
  Graph graph{world.executor, Options{.node_budget = kBudget}};

  static Task<Result<Computed>> digit_sum(int content) {
    int sum = 0;
    for (; content != 0; content /= 10) sum += content % 10;
    co_return computed(sum);
  }
  Task<Result<Computed>> parsed(Context& context, int file) {
    KILN_CO_ASSIGN(const ValueRef content, co_await context.get(world.leaf(file)));
    co_return Computed{*co_await context.get(parse(value_as<int>(content)))};
  }
  Task<Result<Computed>> sum(Context& context, int files) {
    std::vector<Key> keys;
    for (int file = 0; file < files; ++file) keys.push_back(file_of(file));
    KILN_CO_ASSIGN(const std::vector<ValueRef> values, co_await context.get_all(std::move(keys)));
    int sum = 0;
    for (const ValueRef& value : values) sum += value_as<int>(value);
    co_return computed(sum);
  }
  // Edits a file to what it never was, and asks for everything.
  void edit(int n) {
    world.set(graph, n % 10, n);
    world.ask(graph, all(10));
  }
};

TEST_F(Forgetting, EditsDoNotMakeTheGraphGrow) {
  const char* text = std::getenv("KILN_CHURN_EDITS");
  const int edits = text == nullptr ? 10'000 : std::atoi(text);
  for (int n = 1; n <= edits / 10; ++n) edit(n);
  const Stats warm = graph.stats();
  uint64_t most = 0;
  for (int n = edits / 10 + 1; n <= edits; ++n) {
    edit(n);
    if (n % 64 == 0) world.record.take();
    most = std::max(most, graph.stats().nodes);
  }
  const Stats stats = graph.stats();
  RecordProperty("nodes", static_cast<int>(stats.nodes));
  EXPECT_LE(most, 2 * kBudget);
  EXPECT_LE(stats.node_bytes, 2 * warm.node_bytes);
  EXPECT_LE(stats.value_bytes, 2 * kBudget * make_value(0)->bytes());
  EXPECT_GT(stats.forgotten, static_cast<uint64_t>(edits) / 2);
}

TEST_F(Forgetting, WhatIsInUseStaysAndRunsNothingAgain) {
  for (int n = 1; n <= 1000; ++n) edit(n);
  ASSERT_GT(graph.stats().forgotten, 0u);
  world.record.take();
  world.ask(graph, all(10));
  EXPECT_EQ(world.record.take(), Ran());
  edit(1001);
  EXPECT_EQ(world.record.take(), (Ran{"all(10)", "file_of(1)", "leaf(1)", "parse(1001)"}));
}

TEST_F(Forgetting, WhatWasForgottenIsComputedAgainAndItsGenerationGoesOn) {
  world.leaves.set(50, 7);
  const Answer before = *world.answer(graph, file_of(50));
  for (int n = 1; n <= 1000; ++n) edit(n);
  world.record.take();
  const Answer after = *world.answer(graph, file_of(50));
  EXPECT_EQ(world.record.take(), (Ran{"file_of(50)", "leaf(50)", "parse(7)"}));
  EXPECT_EQ(value_as<int>(after.value), 7);
  EXPECT_GT(after.generation, before.generation);
}

TEST_F(Forgetting, WaitsForWhoWasInsideWhenItBegan) {
  Door door;
  Toy slow{"slow", world.record, [&](Context&, int n) -> Task<Result<Computed>> {
             co_await door.wait();
             co_return computed(n);
           }};
  {
    Asked asked(world.executor, graph, slow(1));
    world.executor.drain();
    for (int n = 1; n <= 1000; ++n) edit(n);
    EXPECT_EQ(graph.stats().forgotten, 0u);
    door.open();
    world.executor.drain();
    EXPECT_EQ(asked.value(), 1);
  }
  for (int i = 0; i < 1000; ++i) edit(2000 + i);
  EXPECT_LE(graph.stats().nodes, 2 * kBudget);
}

// There is always a request inside, as in a daemon that many use, but none stays for long.
TEST_F(Forgetting, GoesOnWhileRequestsOverlap) {
  std::deque<Door> doors;
  Toy slow{"slow", world.record, [&](Context&, int n) -> Task<Result<Computed>> {
             co_await doors[static_cast<size_t>(n)].wait();
             co_return computed(n);
           }};
  std::deque<Asked> asked;
  uint64_t most = 0;
  for (int n = 0; n < 100; ++n) {
    doors.emplace_back();
    asked.emplace_back(world.executor, graph, slow(n));
    world.executor.drain();
    if (n > 0) doors[static_cast<size_t>(n) - 1].open();
    for (int i = 1; i <= 50; ++i) edit(n * 50 + i);
    most = std::max(most, graph.stats().nodes);
  }
  EXPECT_GT(graph.stats().forgotten, 4000u);
  EXPECT_LE(most, 3 * kBudget);
  doors.back().open();
  world.executor.drain();
  for (int n = 0; n < 100; ++n) EXPECT_EQ(asked[static_cast<size_t>(n)].value(), n);
}

TEST_F(Forgetting, IsDoneInPieces) {
  Graph many{world.executor, Options{.node_budget = 5000}};
  uint64_t before = 0;
  uint64_t largest = 0;
  for (int i = 0; i < 15'000; ++i) {
    Asked asked(world.executor, many, parse(i));
    while (world.executor.step()) {
      largest = std::max(largest, many.stats().forgotten - before);
      before = many.stats().forgotten;
    }
  }
  EXPECT_GT(many.stats().forgotten, 4000u);
  EXPECT_LE(largest, 512u);
}

TEST_F(Forgetting, WhyDoesNotNameWhatWasForgotten) {
  for (int n = 1; n <= 20; ++n) edit(n);
  for (int i = 0; i < 1000; ++i) world.ask(graph, parse(10'000 + i));
  for (int i = 0; i < 1000; ++i) world.ask(graph, parse(20'000 + i));
  const std::optional<Why> why = graph.why(all(10).hash);
  EXPECT_FALSE(why.has_value()) << "nobody asked for it of late";
  edit(21);
  EXPECT_EQ(graph.why(all(10).hash)->reason, RunReason::kFirstRun);
}

// A function of a text of any length.
class Measure final : public Function {
 public:
  std::string_view name() const override { return "measure"; }
  Task<Result<Computed>> compute(Context&, const Value& input) const override {
    co_return computed(static_cast<int>(value_as<std::string>(input).size()));
  }
  std::string describe(const Value&) const override { return "measure"; }
  Key operator()(std::string text) const {
    return {xxh3_128(text), this, make_value(std::move(text))};
  }
};

// What keys hold is in no value that could be evicted.
TEST_F(Forgetting, GoesByWhatKeysHoldToo) {
  constexpr size_t kLength = size_t{20} << 10;
  Measure measure;
  Graph big{world.executor, Options{.node_budget = kBudget}};
  uint64_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string text(kLength, 'x');
    text += std::to_string(i);
    world.ask(big, measure(std::move(text)));
    most = std::max(most, big.stats().node_bytes);
  }
  EXPECT_LE(most, 3 * kBudget * 1024)
      << "one node for each KiB, and what came since the last sweep";
  EXPECT_GT(big.stats().forgotten, 900u);
  // Those that are small are as many as ever.
  for (int i = 0; i < 1000; ++i) world.ask(big, measure(std::to_string(i)));
  EXPECT_GE(big.stats().nodes, kBudget / 2);
}

}  // namespace
}  // namespace kiln::graph
