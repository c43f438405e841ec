#include "daemon/exec/capture.h"
#include "daemon/exec/runners.h"

namespace kiln::exec {
namespace {

bool is_cached(CacheScope scope) {
  return scope == CacheScope::kSuccessful || scope == CacheScope::kAlways;
}

// Whether a result of a cached scope outlives its run.
bool may_serve(const Process& process, const store::ActionResult& result) {
  return result.exit_code == 0 || process.cache_scope == CacheScope::kAlways;
}

class CachingRunner final : public ProcessRunner {
 public:
  CachingRunner(ProcessRunner& inner, store::ActionCache& actions, Executor& blocking,
                Executor& executor, Counters& counters)
      : inner_(inner),
        actions_(actions),
        blocking_(blocking),
        executor_(executor),
        hits_(counters["process.hit_locally"]),
        misses_(counters["process.action_cache_misses"]),
        puts_(counters["process.action_cache_puts"]),
        errors_(counters["process.action_cache_errors"]) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    const Process& process = request.process;
    if (!is_cached(process.cache_scope)) co_return co_await inner_.run(request);
    if (auto hit = co_await look_up(request)) co_return *std::move(hit);
    auto run = co_await inner_.run(request);
    if (!run.ok() || run->timed_out || !may_serve(process, run->result)) co_return run;
    // The runner below has stored every blob and tree that the result names: now it may be found.
    const auto put = co_await run_blocking(
        blocking_, executor_, [&] { return actions_.put(request.action.digest, run->result); });
    // A result that cannot be remembered is still right.
    (put.ok() ? puts_ : errors_).add();
    co_return run;
  }

 private:
  // Nothing on a miss, which a cache that cannot be read also is.
  Task<std::optional<Result<RunResult>>> look_up(const RunRequest& request) {
    auto got = co_await run_blocking(blocking_, executor_,
                                     [&] { return actions_.get(request.action.digest); });
    if (!got.ok()) errors_.add();
    const std::optional<store::ActionResult> found = got.ok() ? *std::move(got) : std::nullopt;
    if (!found || !may_serve(request.process, *found)) {
      misses_.add();
      co_return std::nullopt;
    }
    hits_.add();
    if (request.process.require_outputs && found->exit_code == 0 &&
        !found->missing_outputs.empty()) {
      co_return missing_outputs_error(found->missing_outputs);
    }
    RunResult run;
    run.result = *found;
    run.source = Source::kHitLocally;
    run.level = request.process.sandbox;
    co_return run;
  }

  ProcessRunner& inner_;
  store::ActionCache& actions_;
  Executor& blocking_;
  Executor& executor_;
  Counter& hits_;
  Counter& misses_;
  Counter& puts_;
  Counter& errors_;
};

}  // namespace

std::unique_ptr<ProcessRunner> make_caching_runner(ProcessRunner& inner,
                                                   store::ActionCache& actions, Executor& blocking,
                                                   Executor& executor, Counters& counters) {
  return std::make_unique<CachingRunner>(inner, actions, blocking, executor, counters);
}

}  // namespace kiln::exec
