#include "daemon/exec/recorded_results.h"

#include <absl/container/flat_hash_map.h>

#include <limits>
#include <utility>

#include "common/base/sync.h"
#include "common/types/hash.h"

namespace kiln::exec {
namespace {

// Of runs; when there are more, all are dropped: then some process runs twice in its run.
constexpr size_t kMostOfRuns = 50'000;

class ResultsInMemory final : public store::ActionCache {
 public:
  explicit ResultsInMemory(size_t most) : most_(most) {}

  Result<std::optional<store::ActionResult>> get(const Digest& action) override {
    return results_.with([&](const Results& results) -> std::optional<store::ActionResult> {
      const auto it = results.find(action);
      if (it == results.end()) return std::nullopt;
      return it->second;
    });
  }
  Result<void> put(const Digest& action, const store::ActionResult& result) override {
    results_.with([&](Results& results) {
      if (results.size() >= most_) results.clear();
      results.insert_or_assign(action, result);
    });
    return {};
  }
  Result<void> remove(const Digest& action) override {
    results_.with([&](Results& results) { results.erase(action); });
    return {};
  }

 private:
  using Results = absl::flat_hash_map<Digest, store::ActionResult>;
  const size_t most_;
  Synchronized<Results> results_;
};

// What an action is recorded under for one run.
Digest in_run(const Digest& action, RunId run) {
  const FileDigest both = file_digest_of(to_string(action) + " " + std::to_string(run.value));
  return {.hash = both.hash, .size = both.size};
}

// What is shared within a run: an answer of the process, not an end that came from outside.
bool is_answer(Ending ending) { return ending == Ending::kSuccess || ending == Ending::kFailure; }

}  // namespace

RecordedResults::RecordedResults(store::ActionCache& stored, store::BlobStore& blobs,
                                 store::TreeStore& trees)
    : of_daemon_(std::make_unique<ResultsInMemory>(std::numeric_limits<size_t>::max())),
      of_runs_(std::make_unique<ResultsInMemory>(kMostOfRuns)),
      complete_of_daemon_(store::make_completeness_checking(*of_daemon_, blobs, trees)),
      complete_of_runs_(store::make_completeness_checking(*of_runs_, blobs, trees)),
      complete_stored_(store::make_completeness_checking(stored, blobs, trees)) {}

store::ActionCache& RecordedResults::cache_for(CacheScope scope) {
  return widest_reach(scope) == Reach::kDaemon ? *complete_of_daemon_ : *complete_stored_;
}

Result<std::optional<RunResult>> RecordedResults::find(const Digest& action, CacheScope scope,
                                                       RunId run) {
  RunResult result;
  if (widest_reach(scope) > Reach::kRun) {
    KILN_ASSIGN(auto found, cache_for(scope).get(action));
    // It may be recorded for a scope that allows more than this one, or by a kiln that did.
    if (found && reach_of(scope, ending_of(*found)) > Reach::kRun) {
      result.result = *std::move(found);
      result.source =
          widest_reach(scope) == Reach::kDaemon ? Source::kRemembered : Source::kHitLocally;
      return std::optional(std::move(result));
    }
  }
  KILN_ASSIGN(auto found, complete_of_runs_->get(in_run(action, run)));
  if (!found) return std::optional<RunResult>();
  result.result = *std::move(found);
  result.source = Source::kRemembered;
  return std::optional(std::move(result));
}

Result<bool> RecordedResults::record(const Digest& action, CacheScope scope, RunId run,
                                     const RunResult& result) {
  const Ending ending = ending_of(result);
  if (reach_of(scope, ending) > Reach::kRun) {
    KILN_TRY(cache_for(scope).put(action, result.result));
    return true;
  }
  if (is_answer(ending)) KILN_TRY(complete_of_runs_->put(in_run(action, run), result.result));
  return false;
}

Result<void> RecordedResults::forget(const Digest& action) {
  KILN_TRY(complete_of_daemon_->remove(action));
  return complete_stored_->remove(action);
}

}  // namespace kiln::exec
