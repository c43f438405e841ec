// Captures: a caller's globs answered from its workspace, with the behaviours for globs that match
// nothing (semantics of PathGlobs).
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/async/task.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"

namespace kiln::session {

enum class GlobMatchError : uint8_t { kIgnore, kWarn, kError };
enum class GlobConjunction : uint8_t { kAnyMatch, kAllMatch };

struct PathGlobs {
  std::vector<std::string> globs;
  GlobMatchError match_error = GlobMatchError::kIgnore;
  GlobConjunction conjunction = GlobConjunction::kAnyMatch;
  std::string origin;  // where the globs come from, for the message
};

// Refuses kWarn and kError without an origin, and an origin with kIgnore.
Result<void> check(const PathGlobs& globs);

struct Captured {
  store::TreePtr tree;
  std::vector<std::string> warnings;
  ClockTick clock;
};

// The files that match, in the store.
Task<Result<Captured>> capture(const Engine& engine, const Run& run, PathGlobs globs);

struct Paths {
  struct Path {
    RelPath path;
    bool directory = false;
  };
  std::vector<Path> paths;  // sorted by components; directories only if a glob matches them
  std::vector<std::string> warnings;
  ClockTick clock;
};

// The names that match; no file is read.
Task<Result<Paths>> list_paths(const Engine& engine, const Run& run, PathGlobs globs);

// The part of a tree that matches; excludes and behaviours as for a workspace, nothing ignored.
Result<Captured> subset(const store::TreePtr& tree, const PathGlobs& globs);

}  // namespace kiln::session
