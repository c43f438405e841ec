// Processes as nodes, and the hub that shows their output to whoever follows.
#include "daemon/intrinsics/process_runs.h"

#include "daemon/exec/runners.h"
#include "daemon/intrinsics/host/host_tool_function.h"
#include "daemon/intrinsics/output_hub.h"
#include "daemon/intrinsics/process_rules.h"
#include "daemon/intrinsics/tree_rules.h"
#include "daemon/rules/rule_graph.h"
#include "daemon/store/memory_store.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/recording_runner.h"

namespace kiln::intrinsics {
namespace {

using exec::CacheScope;
using exec::KeepSandboxes;
using Stream = exec::ProcessObserver::Stream;

struct Follower final : OutputFollower {
  void started(const std::string& sandbox_path) override { sandbox = sandbox_path; }
  bool output(Stream, uint64_t offset, std::string_view bytes) override {
    ++offered;
    if (!takes || offset != text.size()) return false;
    text += bytes;
    return true;
  }
  std::string sandbox;
  std::string text;
  bool takes = true;
  int offered = 0;
};

TEST(PreparedProcessTest, CountsItsInputsAndItsMessages) {
  std::vector<store::Entry> files;
  for (int i = 0; i < 100; ++i) files.push_back({"file" + std::to_string(i), store::File{}});
  exec::Process process{.argv = {"/bin/true", std::string(1000, 'x')},
                        .description = {},
                        .inputs = store::Tree::make(std::move(files))};
  const size_t inputs = process.inputs->bytes();
  exec::Action action = exec::make_action(process, {}, "");
  const PreparedProcess prepared{std::make_shared<const PreparedProcess::Parts>(
      PreparedProcess::Parts{.process = std::move(process),
                             .tool = {},
                             .action = std::move(action),
                             .fingerprint = HostFingerprint::kTool,
                             .why_plain = {}})};
  const size_t bytes = graph::make_value(prepared)->bytes();
  EXPECT_GT(bytes, inputs + 2 * 1000) << "the argument is in the command as well";
  EXPECT_LT(bytes, inputs + 2 * 1000 + 2000);
  const auto param = rules::make_param(prepared);
  EXPECT_GE(graph::make_value(rules::Params{param})->bytes(), bytes);
}

TEST(OutputHubTest, EveryFollowerSeesEverything) {
  OutputHub hub;
  Follower one;
  Follower two;
  const Hash128 key{1, 2};
  const auto first = hub.follow(key, &one, KeepSandboxes::kNever);
  const auto second = hub.follow(key, &two, KeepSandboxes::kNever);
  const auto observer = hub.open(key);
  observer->started("/s");
  observer->output(Stream::kStdout, "ab");
  observer->output(Stream::kStdout, "cd");
  EXPECT_EQ(one.text, "abcd");
  EXPECT_EQ(two.text, "abcd");
  EXPECT_EQ(two.sandbox, "/s");
}

TEST(OutputHubTest, WhoComesLateOrRefusesOnceIsOfferedNoMore) {
  OutputHub hub;
  Follower slow;
  Follower late;
  const Hash128 key{1, 2};
  const auto first = hub.follow(key, &slow, KeepSandboxes::kNever);
  const auto observer = hub.open(key);
  observer->output(Stream::kStdout, "ab");
  slow.takes = false;
  const auto second = hub.follow(key, &late, KeepSandboxes::kNever);
  for (int i = 0; i < 3; ++i) observer->output(Stream::kStdout, "cd");
  EXPECT_EQ(slow.text, "ab");
  EXPECT_EQ(slow.offered, 2);
  EXPECT_EQ(late.text, "");
  EXPECT_EQ(late.offered, 1);
}

TEST(OutputHubTest, WhoLeftIsNotCalled) {
  OutputHub hub;
  Follower stays;
  const Hash128 key{1, 2};
  const auto first = hub.follow(key, &stays, KeepSandboxes::kNever);
  const auto observer = hub.open(key);
  {
    auto leaves = std::make_unique<Follower>();
    auto second = hub.follow(key, leaves.get(), KeepSandboxes::kNever);
    OutputHub::Handle moved = std::move(second);
    observer->output(Stream::kStdout, "a");
    EXPECT_EQ(leaves->text, "a");
  }  // the handle goes first
  observer->output(Stream::kStdout, "b");
  EXPECT_EQ(stays.text, "ab");
}

TEST(OutputHubTest, TheStrongestWishToKeepSandboxesCounts) {
  OutputHub hub;
  Follower a;
  Follower b;
  const Hash128 key{1, 2};
  EXPECT_EQ(hub.keep(key), KeepSandboxes::kNever);
  const auto first = hub.follow(key, &a, KeepSandboxes::kOnFailure);
  {
    const auto second = hub.follow(key, &b, KeepSandboxes::kAlways);
    EXPECT_EQ(hub.keep(key), KeepSandboxes::kAlways);
    EXPECT_EQ(hub.keep(Hash128{3, 4}), KeepSandboxes::kNever);
  }
  EXPECT_EQ(hub.keep(key), KeepSandboxes::kOnFailure);
}

// How often a process has run after it was asked for by one run, by the same run again, by the same
// run when the memo has forgotten it, by the next run, by another when the memo has forgotten it,
// and after a restart of the daemon.
class CacheScopes : public test::EngineFixture {
 protected:
  using Counts = std::vector<size_t>;

  Counts ran(CacheScope scope, int exit_code, bool timed_out = false) {
    test::RecordingRunner runner(home_);
    runner.result.result.exit_code = exit_code;
    runner.result.timed_out = timed_out;
    // A store of its own for each row, which outlives both daemons.
    const auto store = store::make_memory_store();
    Counts counts;
    for (const bool restarted : {false, true}) {
      exec::RecordedResults results(store->actions(), store->blobs(), store->trees());
      const auto cached = exec::make_caching_runner(runner, results, blocking_, home_, counters_);
      ask(*cached, results, *store, scope, restarted,
          [&] { counts.push_back(runner.ran().size()); });
    }
    return counts;
  }

 private:
  template <class Asked>
  void ask(exec::ProcessRunner& runner, exec::RecordedResults& results, store::Store& store,
           CacheScope scope, bool restarted, Asked asked) {
    OutputHub hub;
    HostTools files(fs_counters_);
    HostToolFunction tools(files_.functions(), workspaces_.host(), files, home_, blocking_);
    const RuleServices services{.files = &files_,
                                .store = &store,
                                .runner = &runner,
                                .outputs = &hub,
                                .tools = &tools,
                                .router = &router_,
                                .home = &home_,
                                .blocking = &blocking_,
                                .results = &results};
    rules::RuleSet set = tree_rules(services);
    set.add_all(process_rules(services));
    const auto rules = rules::RuleGraph::compile(std::move(set)).graph;
    const rules::Root* root =
        rules->find_query("ProcessOutcome", std::vector<std::string>{"PreparedProcess"});
    PreparedProcess::Parts parts;
    parts.process.argv = {"/tool"};
    parts.process.inputs = store::Tree::empty();
    parts.process.cache_scope = scope;
    parts.action = exec::make_action(parts.process, parts.tool, exec::policy_of(scope).salt);
    const rules::Param prepared = rules::make_param(
        PreparedProcess{std::make_shared<const PreparedProcess::Parts>(std::move(parts))});
    const graph::Key key = root->supply.entry->key({prepared});
    graph::Graph graph(home_);
    const auto ask_in = [&](graph::Graph& memo, uint64_t run) {
      EXPECT_TRUE(sync_wait(home_, memo.request(key, RunId{run}, {})).ok());
      asked();
    };
    if (restarted) return ask_in(graph, 1);
    ask_in(graph, 1);
    ask_in(graph, 1);
    graph::Graph forgetful(home_);  // with nothing in it: all is evicted
    ask_in(forgetful, 1);
    ask_in(graph, 2);
    graph::Graph more_forgetful(home_);
    ask_in(more_forgetful, 3);
  }
};

// Each as the number of times it has run so far.
const std::vector<size_t> kForEver = {1, 1, 1, 1, 1, 1};
const std::vector<size_t> kUntilRestart = {1, 1, 1, 1, 1, 2};
const std::vector<size_t> kForItsRun = {1, 1, 1, 2, 3, 4};
const std::vector<size_t> kForItsRunInTheMemo = {1, 1, 2, 3, 4, 5};

TEST_F(CacheScopes, OfASuccess) {
  EXPECT_EQ(ran(CacheScope::kSuccessful, 0), kForEver);
  EXPECT_EQ(ran(CacheScope::kAlways, 0), kForEver);
  EXPECT_EQ(ran(CacheScope::kLocalSuccessful, 0), kForEver);
  EXPECT_EQ(ran(CacheScope::kLocalAlways, 0), kForEver);
  EXPECT_EQ(ran(CacheScope::kPerRestartSuccessful, 0), kUntilRestart);
  EXPECT_EQ(ran(CacheScope::kPerRestartAlways, 0), kUntilRestart);
  EXPECT_EQ(ran(CacheScope::kPerSession, 0), kForItsRun);
}

TEST_F(CacheScopes, OfAFailure) {
  EXPECT_EQ(ran(CacheScope::kSuccessful, 1), kForItsRun);
  EXPECT_EQ(ran(CacheScope::kAlways, 1), kForEver);
  EXPECT_EQ(ran(CacheScope::kLocalSuccessful, 1), kForItsRun);
  EXPECT_EQ(ran(CacheScope::kLocalAlways, 1), kForEver);
  EXPECT_EQ(ran(CacheScope::kPerRestartSuccessful, 1), kForItsRun);
  EXPECT_EQ(ran(CacheScope::kPerRestartAlways, 1), kUntilRestart);
  EXPECT_EQ(ran(CacheScope::kPerSession, 1), kForItsRun);
}

TEST_F(CacheScopes, OfADeathByASignalAndOfATimeout) {
  for (const CacheScope scope :
       {CacheScope::kSuccessful, CacheScope::kAlways, CacheScope::kLocalSuccessful,
        CacheScope::kLocalAlways, CacheScope::kPerRestartSuccessful, CacheScope::kPerRestartAlways,
        CacheScope::kPerSession}) {
    EXPECT_EQ(ran(scope, -9), kForItsRunInTheMemo);
    EXPECT_EQ(ran(scope, 124, true), kForItsRunInTheMemo);
  }
}

}  // namespace
}  // namespace kiln::intrinsics
