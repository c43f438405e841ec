// RecordedResults: results outside of the memo: in the store, for the life of the daemon, and for
// their run.
//
// What:    CachePolicy says which results are recorded, where, and for which scopes a recorded one
//          is an answer. A result is served only if all content that it names is in the store. The
//          memo alone would not do for the daemon's life and for runs, because it evicts.
// Threads: thread-safe. Blocking, as the store is.
// Fails:   as the store does. A result that cannot be recorded is still right.
#pragma once

#include <memory>
#include <optional>

#include "daemon/exec/cache_policy.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

class RecordedResults {
 public:
  // All outlive it.
  RecordedResults(store::ActionCache& stored, store::BlobStore& blobs, store::TreeStore& trees);

  // Nothing if there is none that this scope may be answered with.
  Result<std::optional<RunResult>> find(const Digest& action, CacheScope scope, RunId run);
  // Records the result as far as the scope allows. True: further than for its run.
  Result<bool> record(const Digest& action, CacheScope scope, RunId run, const RunResult& result);
  // Drops what is recorded of this action beyond its run, so that it is made again.
  Result<void> forget(const Digest& action);

 private:
  store::ActionCache& cache_for(CacheScope scope);

  // Digests, codes and names only: those of the daemon's life are all kept, of those of runs the
  // latest.
  const std::unique_ptr<store::ActionCache> of_daemon_;
  const std::unique_ptr<store::ActionCache> of_runs_;
  const std::unique_ptr<store::ActionCache> complete_of_daemon_;
  const std::unique_ptr<store::ActionCache> complete_of_runs_;
  const std::unique_ptr<store::ActionCache> complete_stored_;
};

}  // namespace kiln::exec
