#include "daemon/exec/runners.h"

namespace kiln::exec {
namespace {

class CachingRunner final : public ProcessRunner {
 public:
  CachingRunner(ProcessRunner& inner, RecordedResults& results, Executor& blocking,
                Executor& executor, Counters& counters)
      : inner_(inner),
        results_(results),
        blocking_(blocking),
        executor_(executor),
        hits_(counters["process.hit_locally"]),
        misses_(counters["process.action_cache_misses"]),
        puts_(counters["process.action_cache_puts"]),
        errors_(counters["process.action_cache_errors"]) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    if (auto hit = co_await look_up(request)) co_return *std::move(hit);
    auto run = co_await inner_.run(request);
    if (!run.ok()) co_return run;
    // The runner below has stored every blob and tree that the result names: now it may be found.
    const auto recorded = co_await run_blocking(blocking_, executor_, [&] {
      return results_.record(request.action.digest, request.process.cache_scope, request.run, *run);
    });
    // A result that cannot be recorded is still right.
    if (!recorded.ok()) errors_.add();
    if (recorded.ok() && *recorded) puts_.add();
    co_return run;
  }

 private:
  // Nothing on a miss; a cache that cannot be read is one.
  Task<std::optional<RunResult>> look_up(const RunRequest& request) {
    auto found = co_await run_blocking(blocking_, executor_, [&] {
      return results_.find(request.action.digest, request.process.cache_scope, request.run);
    });
    if (!found.ok()) errors_.add();
    if (!found.ok() || !*found) {
      if (widest_reach(request.process.cache_scope) >= Reach::kStore) misses_.add();
      co_return std::nullopt;
    }
    if ((*found)->source == Source::kHitLocally) hits_.add();
    (*found)->level = request.process.sandbox;
    co_return *std::move(found);
  }

  ProcessRunner& inner_;
  RecordedResults& results_;
  Executor& blocking_;
  Executor& executor_;
  Counter& hits_;
  Counter& misses_;
  Counter& puts_;
  Counter& errors_;
};

}  // namespace

std::unique_ptr<ProcessRunner> make_caching_runner(ProcessRunner& inner, RecordedResults& results,
                                                   Executor& blocking, Executor& executor,
                                                   Counters& counters) {
  return std::make_unique<CachingRunner>(inner, results, blocking, executor, counters);
}

}  // namespace kiln::exec
