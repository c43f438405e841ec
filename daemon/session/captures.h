// Captures: a caller's globs answered from its workspace, with the behaviours for globs that match
// nothing (semantics of PathGlobs).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/async/task.h"
#include "daemon/intrinsics/path_globs.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"

namespace kiln::session {

using intrinsics::GlobConjunction;
using intrinsics::GlobMatchError;
using intrinsics::PathGlobs;

// To those who listen to the run, besides the answer.
void tell_warnings(const Engine& engine, const Run& run, std::span<const std::string> warnings);

struct Captured {
  store::TreePtr tree;
  std::vector<std::string> warnings;
  ClockTick clock;
};

// The files that match, in the store.
Task<Result<Captured>> capture(const Engine& engine, const Run& run, PathGlobs globs);

struct Paths {
  struct Path {
    std::string path;
    bool directory = false;
  };
  std::vector<Path> paths;  // in the order of a walk; directories only if a glob matches them
  std::vector<std::string> warnings;
  ClockTick clock;
};

// The names that match; no file is read.
Task<Result<Paths>> list_paths(const Engine& engine, const Run& run, PathGlobs globs);

}  // namespace kiln::session
