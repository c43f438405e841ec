// What engine-aware values say of themselves reaches those who listen to a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/rules/engine_aware.h"
#include "daemon/rules/rule_graph.h"
#include "daemon/session/run_events.h"
#include "daemon/trace/event_stream.h"
#include "tests/unit/graph/toys.h"

namespace kiln::session {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using trace::EventKind;
using trace::Level;

struct Linted {
  static constexpr std::string_view kTypeName = "Linted";
  int findings = 0;
  Level level() const { return findings == 0 ? Level::kInfo : Level::kWarn; }
  std::string message() const { return "linted: " + std::to_string(findings) + " findings"; }
  trace::Metadata metadata() const { return {{"tool", "lint"}}; }
  std::map<std::string, Digest> artifacts() const { return {{"report", {.size = 7}}}; }
  static void fields(auto& self, auto&& field) { field("findings", self.findings); }
  friend bool operator==(const Linted&, const Linted&) = default;
};

rules::Rule<int> count(const std::string& file) { co_return static_cast<int>(file.size()); }
rules::Rule<Linted, rules::Gets<int(std::string)>> lint(const std::string& file) {
  co_return Linted{co_await rules::get<int>(file)};
}

std::unique_ptr<const rules::RuleGraph> compiled() {
  rules::RuleSet set;
  set.add<&count>();
  set.add<&lint>();
  set.query<Linted(std::string)>();
  return std::move(rules::RuleGraph::compile(std::move(set)).graph);
}

class RuleEventsTest : public testing::Test {
 protected:
  // What a client that listens at `level` is told, but for its request's own span.
  std::vector<trace::Event> told(const std::string& file, Level level) {
    const auto run = *runs.begin(nullptr);
    const auto stream = std::make_shared<trace::EventStream>(level, [] {});
    const auto listening = events.listen(*run, "test", "a test", stream);
    const rules::Root& root = graph_of_rules->queries().front();
    const graph::Key key = root.supply.entry->key({rules::make_param(file)});
    graph::toys::Asked asked(executor, graph, key, run->id());
    executor.drain();
    EXPECT_TRUE(asked.answer().ok());
    std::vector<trace::Event> told;
    for (trace::Event& event : stream->take()) {
      if (event.name != "test") told.push_back(std::move(event));
    }
    return told;
  }

  ManualExecutor executor;
  Runs runs;
  const std::unique_ptr<const rules::RuleGraph> graph_of_rules = compiled();
  RunEvents events{[](const graph::Key& key, const graph::Value* value) {
    return rules::annotate(key, value).value();
  }};
  graph::Graph graph{executor, {.observer = &events}};
};

TEST_F(RuleEventsTest, AListenerIsToldAtTheLevelThatTheValueNames) {
  const std::vector<trace::Event> warned = told("ab", Level::kWarn);
  ASSERT_EQ(warned.size(), 2);
  EXPECT_EQ(warned[0].kind, EventKind::kOutput);
  ASSERT_EQ(warned[0].outputs.size(), 1);
  EXPECT_EQ(warned[0].outputs[0].name, "report");
  EXPECT_EQ(warned[1].kind, EventKind::kCompleted);
  EXPECT_EQ(warned[1].level, Level::kWarn);
  EXPECT_EQ(warned[1].message, "linted: 2 findings");
  EXPECT_THAT(warned[1].metadata, ElementsAre(Pair("tool", "lint")));
  EXPECT_TRUE(told("", Level::kWarn).empty()) << "nothing was found: that is no warning";
}

TEST_F(RuleEventsTest, WhatIsRememberedSaysTheSame) {
  (void)told("ab", Level::kInfo);
  const std::vector<trace::Event> again = told("ab", Level::kInfo);
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.back().kind, EventKind::kMemoized);
  EXPECT_EQ(again.back().message, "linted: 2 findings");
}

TEST_F(RuleEventsTest, OtherRulesAreToldAtDebug) {
  size_t of_count = 0;
  for (const trace::Event& event : told("ab", Level::kDebug)) {
    if (event.description != "count(str(\"ab\"))") continue;
    ++of_count;
    EXPECT_EQ(event.level, Level::kDebug);
    EXPECT_EQ(event.message, "");
  }
  EXPECT_EQ(of_count, 2) << "it started and it completed";
}

}  // namespace
}  // namespace kiln::session
