// PathGlobs: what a caller or a rule wants of a workspace or of a tree, and what is said when
// nothing matches.
// Source:  semantics of PathGlobs: behaviours ignore, warn, error; conjunctions any, all.
// Threads: immutable values, pure functions.
#pragma once

#include <array>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "daemon/intrinsics/files/glob_query.h"
#include "daemon/os/glob.h"
#include "daemon/store/tree.h"

namespace kiln::intrinsics {

enum class GlobMatchError : uint8_t { kIgnore, kWarn, kError };
constexpr auto enum_names(GlobMatchError) {
  return std::array<std::string_view, 3>{"ignore", "warn", "error"};
}
enum class GlobConjunction : uint8_t { kAnyMatch, kAllMatch };
constexpr auto enum_names(GlobConjunction) {
  return std::array<std::string_view, 2>{"any_match", "all_match"};
}

struct PathGlobs {
  static constexpr std::string_view kTypeName = "PathGlobs";

  std::vector<std::string> globs;
  GlobMatchError match_error = GlobMatchError::kIgnore;
  GlobConjunction conjunction = GlobConjunction::kAnyMatch;
  std::string origin;  // where the globs come from, for the message
  // Of a workspace: what rules (git's, the option `ignore`) hide from the globs.
  IgnoreRulesFor rules = IgnoreRulesFor::kWildcards;

  static void fields(auto& self, auto&& field) {
    field("globs", self.globs);
    field("glob_match_error_behavior", self.match_error);
    field("conjunction", self.conjunction);
    field("description_of_origin", self.origin);
    field("rules", self.rules);
  }
  friend bool operator==(const PathGlobs&, const PathGlobs&) = default;
};

using os::literal_glob;

// Refuses kWarn and kError without an origin, and an origin with kIgnore.
Result<void> check(const PathGlobs& globs);

// What to say of globs that matched nothing; empty if that is fine.
std::string unmatched_message(const PathGlobs& globs, const os::GlobSet& compiled,
                              const std::vector<std::string>& unmatched);
// `message` is an error or a warning, as the globs have it; an empty one is neither.
Result<void> settle_unmatched(const PathGlobs& globs, std::string message,
                              std::vector<std::string>& warnings);

struct TreeSubset {
  store::TreePtr tree;
  std::vector<std::string> warnings;
};
// The part of a tree that matches; excludes and behaviours as for a workspace, nothing ignored. A
// directory that stands in the tree many times is looked at once for each way to go on in it.
// kResourceExhausted if more than kMaxListed entries (store/limits.h) have to be looked at;
// kCancelled soon after `stop` was requested.
Result<TreeSubset> subset(const store::TreePtr& tree, const PathGlobs& globs,
                          const std::stop_token& stop = {});

}  // namespace kiln::intrinsics
