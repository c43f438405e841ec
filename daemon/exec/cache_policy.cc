#include "daemon/exec/cache_policy.h"

#include <algorithm>

namespace kiln::exec {

Ending ending_of(const store::ActionResult& result) {
  if (result.exit_code < 0) return Ending::kSignal;
  return result.exit_code == 0 ? Ending::kSuccess : Ending::kFailure;
}

Ending ending_of(const RunResult& run) {
  return run.timed_out ? Ending::kTimeout : ending_of(run.result);
}

// The table. There is no default case, so that a new scope without a row does not compile.
CachePolicy policy_of(CacheScope scope) {
  switch (scope) {
    case CacheScope::kSuccessful:
      return {.salt = "", .success = Reach::kShared, .failure = Reach::kRun};
    case CacheScope::kAlways:
      return {.salt = "", .success = Reach::kShared, .failure = Reach::kShared};
    case CacheScope::kLocalSuccessful:
      return {.salt = "", .success = Reach::kStore, .failure = Reach::kRun};
    case CacheScope::kLocalAlways:
      return {.salt = "", .success = Reach::kStore, .failure = Reach::kStore};
    case CacheScope::kPerRestartSuccessful:
      return {.salt = "restart", .success = Reach::kDaemon, .failure = Reach::kRun};
    case CacheScope::kPerRestartAlways:
      return {.salt = "restart", .success = Reach::kDaemon, .failure = Reach::kDaemon};
    case CacheScope::kPerSession:
      return {.salt = "session", .success = Reach::kRun, .failure = Reach::kRun};
  }
  return {};  // no value of the enumeration
}

Reach reach_of(CacheScope scope, Ending ending) {
  switch (ending) {
    case Ending::kSuccess:
      return policy_of(scope).success;
    case Ending::kFailure:
      return policy_of(scope).failure;
    case Ending::kSignal:
    case Ending::kTimeout:
      return Reach::kRun;
  }
  return Reach::kRun;
}

Reach widest_reach(CacheScope scope) {
  const CachePolicy policy = policy_of(scope);
  return std::max(policy.success, policy.failure);
}

}  // namespace kiln::exec
