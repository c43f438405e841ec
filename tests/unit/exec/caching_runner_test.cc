#include "tests/unit/exec/exec_fixture.h"
#include "tests/unit/exec/fake_runner.h"

namespace kiln::exec {
namespace {

class CachingRunner : public ExecTest {
 protected:
  CachingRunner() { use(store_->actions()); }

  void use(store::ActionCache& actions) {
    results_ = std::make_unique<RecordedResults>(actions, store_->blobs(), store_->trees());
    caching_ = make_caching_runner(inner_, *results_, pool_, pool_, counters_);
  }
  Result<RunResult> run_cached() {
    const HostTool tool;
    const Action action = make_action(process_, tool, "");
    const RunRequest request{.process = process_,
                             .tool = tool,
                             .action = action,
                             .run = RunId{run_},
                             .keep = KeepSandboxes::kNever,
                             .observer = nullptr,
                             .stop = {}};
    return sync_wait(pool_, caching_->run(request));
  }
  // How often the process ran when it was asked for twice.
  size_t runs_of_two() {
    inner_.started.clear();
    (void)run_cached();
    ++run_;
    (void)run_cached();
    return inner_.started.size();
  }

  Process process_ = command({"tool"});
  uint64_t run_ = 1;
  FakeRunner inner_;
  std::unique_ptr<RecordedResults> results_;
  std::unique_ptr<ProcessRunner> caching_;
};

TEST_F(CachingRunner, ASuccessIsServedAgain) {
  inner_.result.result.stdout_digest = *store_->blobs().put("hello");
  ASSERT_TRUE(run_cached().ok());
  auto again = run_cached();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->source, Source::kHitLocally);
  EXPECT_EQ(again->result, inner_.result.result);
  EXPECT_EQ(inner_.started.size(), 1u);
  EXPECT_EQ(counters_["process.hit_locally"].value(), 1);
  EXPECT_EQ(counters_["process.action_cache_misses"].value(), 1);
  EXPECT_EQ(counters_["process.action_cache_puts"].value(), 1);
}

TEST_F(CachingRunner, AFailureIsServedOnlyUnderAlways) {
  inner_.result.result.exit_code = 1;
  EXPECT_EQ(runs_of_two(), 2u);
  process_.cache_scope = CacheScope::kAlways;
  EXPECT_EQ(runs_of_two(), 1u);
  process_.cache_scope = CacheScope::kSuccessful;
  EXPECT_EQ(runs_of_two(), 2u) << "a remembered failure is not for those who want successes";
}

TEST_F(CachingRunner, ATimeoutIsNeverServed) {
  inner_.result.timed_out = true;
  process_.cache_scope = CacheScope::kAlways;
  EXPECT_EQ(runs_of_two(), 2u);
}

TEST_F(CachingRunner, AnErrorIsNeverServed) {
  inner_.failure = environment_error(ErrorCode::kResourceExhausted, "disk full");
  EXPECT_EQ(runs_of_two(), 2u);
}

TEST_F(CachingRunner, AnEndByASignalIsNeverServed) {
  inner_.result.result.exit_code = -9;
  for (const CacheScope scope : {CacheScope::kAlways, CacheScope::kLocalAlways,
                                 CacheScope::kPerRestartAlways, CacheScope::kSuccessful}) {
    process_.cache_scope = scope;
    EXPECT_EQ(runs_of_two(), 2u);
  }
}

TEST_F(CachingRunner, ADeathThatAnEarlierKilnRecordedIsNoAnswer) {
  process_.cache_scope = CacheScope::kAlways;
  const Digest action = make_action(process_, {}, "").digest;
  ASSERT_TRUE(store_->actions().put(action, {.exit_code = -9, .missing_outputs = {}}).ok());
  EXPECT_EQ(run_cached()->source, Source::kRan);
}

TEST_F(CachingRunner, ResultsOfTheDaemonsLifeAreNotInTheStore) {
  process_.cache_scope = CacheScope::kPerRestartSuccessful;
  EXPECT_EQ(runs_of_two(), 1u);
  EXPECT_EQ(run_cached()->source, Source::kRemembered);
  use(store_->actions());  // another daemon
  EXPECT_EQ(run_cached()->source, Source::kRan);
}

TEST_F(CachingRunner, WhatIsForgottenRunsAgain) {
  for (const CacheScope scope : {CacheScope::kSuccessful, CacheScope::kPerRestartAlways}) {
    process_.cache_scope = scope;
    ASSERT_TRUE(run_cached().ok());
    ASSERT_TRUE(results_->forget(make_action(process_, {}, "").digest).ok());
    ++run_;
    EXPECT_EQ(run_cached()->source, Source::kRan);
  }
}

TEST_F(CachingRunner, AnAnswerHoldsForItsRunWhateverTheMemoForgets) {
  process_.cache_scope = CacheScope::kPerSession;
  inner_.result.result.exit_code = 3;
  ASSERT_TRUE(run_cached().ok());
  const auto again = run_cached();
  EXPECT_EQ(again->source, Source::kRemembered);
  EXPECT_EQ(again->result.exit_code, 3);
  ++run_;
  EXPECT_EQ(run_cached()->source, Source::kRan);
  EXPECT_EQ(counters_["process.action_cache_puts"].value(), 0);
}

class BrokenCache final : public store::ActionCache {
 public:
  Result<std::optional<store::ActionResult>> get(const Digest&) override { return broken(); }
  Result<void> put(const Digest&, const store::ActionResult&) override { return broken(); }
  Result<void> remove(const Digest&) override { return broken(); }

 private:
  static Error broken() { return environment_error(ErrorCode::kUnavailable, "broken"); }
};

TEST_F(CachingRunner, ACacheThatFailsIsAMissAndIsCounted) {
  BrokenCache broken;
  use(broken);
  auto result = run_cached();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->source, Source::kRan);
  EXPECT_EQ(counters_["process.action_cache_errors"].value(), 2);
}

}  // namespace
}  // namespace kiln::exec
