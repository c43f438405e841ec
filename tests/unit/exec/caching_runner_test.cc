#include "tests/unit/exec/exec_fixture.h"
#include "tests/unit/exec/fake_runner.h"

namespace kiln::exec {
namespace {

using testing::HasSubstr;

class CachingRunner : public ExecTest {
 protected:
  CachingRunner() {
    caching_ = make_caching_runner(inner_, store_->actions(), pool_, pool_, counters_);
  }

  Result<RunResult> run_cached() {
    const HostTool tool;
    const Action action = make_action(process_, tool, "");
    const RunRequest request{.process = process_,
                             .tool = tool,
                             .action = action,
                             .run = RunId{1},
                             .keep = KeepSandboxes::kNever,
                             .observer = nullptr,
                             .stop = {}};
    return sync_wait(pool_, caching_->run(request));
  }
  // How often the process ran when it was asked for twice.
  size_t runs_of_two() {
    inner_.started.clear();
    (void)run_cached();
    (void)run_cached();
    return inner_.started.size();
  }

  Process process_ = command({"tool"});
  FakeRunner inner_;
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

TEST_F(CachingRunner, SessionAndRestartScopesPassBy) {
  for (const CacheScope scope : {CacheScope::kPerSession, CacheScope::kPerRestartSuccessful,
                                 CacheScope::kPerRestartAlways}) {
    process_.cache_scope = scope;
    EXPECT_EQ(runs_of_two(), 2u);
  }
  EXPECT_EQ(counters_["process.action_cache_puts"].value(), 0);
}

TEST_F(CachingRunner, RequiredOutputsAreAskedOfAHitToo) {
  inner_.result.result.missing_outputs = {"gone"};
  ASSERT_TRUE(run_cached().ok());
  process_.require_outputs = true;
  auto hit = run_cached();
  ASSERT_FALSE(hit.ok());
  EXPECT_THAT(hit.error().message(), HasSubstr("gone"));
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
  caching_ = make_caching_runner(inner_, broken, pool_, pool_, counters_);
  auto result = run_cached();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->source, Source::kRan);
  EXPECT_EQ(counters_["process.action_cache_errors"].value(), 2);
}

}  // namespace
}  // namespace kiln::exec
