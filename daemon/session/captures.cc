#include "daemon/session/captures.h"

#include <algorithm>

#include "daemon/intrinsics/glob_query.h"

namespace kiln::session {

namespace {

// What the query selects, with the behaviours for globs that match nothing applied.
Task<Result<Captured>> answer(const Engine& engine, const Run& run, const PathGlobs& globs,
                              std::shared_ptr<const intrinsics::GlobQuery> query) {
  KILN_CO_TRY(intrinsics::check(globs));
  if (run.workspace() == nullptr) {
    co_return user_error(ErrorCode::kInvalidArgument, "a capture needs a workspace root");
  }
  const intrinsics::Workspace& workspace = *run.workspace();
  KILN_CO_ASSIGN(auto found, co_await engine.files.capture(engine.graph, workspace, query, run.id(),
                                                           run.token()));
  Captured captured{found.tree, std::move(found.notes), found.clock};
  std::string message = intrinsics::unmatched_message(globs, *query->globs, found.unmatched);
  if (!message.empty()) {
    const auto ask = [&](graph::Key key) -> Task<Result<graph::ValueRef>> {
      KILN_CO_ASSIGN(graph::Answer answer,
                     co_await engine.graph.request(std::move(key), run.id(), run.token()));
      co_return std::move(answer.value);
    };
    for (const std::string& glob : found.unmatched) {
      KILN_CO_ASSIGN(const std::string why,
                     co_await engine.files.explain_unmatched(ask, workspace, *query, glob));
      if (!why.empty()) message += "\n  " + why;
    }
    message += "\n  in the workspace " + workspace.root();
  }
  KILN_CO_TRY(intrinsics::settle_unmatched(globs, std::move(message), captured.warnings));
  co_return captured;
}

// The files of the tree, and the directories that a glob matches: its other directories are there
// only because something below them matched.
void matched_paths(const store::Tree& tree, const os::GlobSet& globs, const RelPath& prefix,
                   const os::GlobState& state, std::vector<Paths::Path>& paths) {
  for (const store::Entry& entry : tree.entries()) {
    const RelPath path = prefix.child(entry.name);
    const auto* below = std::get_if<store::TreePtr>(&entry.node);
    const os::GlobSet::Step step = globs.step(state, entry.name);
    if (below == nullptr || !step.matched.empty()) paths.push_back({path, below != nullptr});
    if (below != nullptr) matched_paths(**below, globs, path, step.below, paths);
  }
}

}  // namespace

Task<Result<Captured>> capture(const Engine& engine, const Run& run, PathGlobs globs) {
  KILN_CO_ASSIGN(const auto query, intrinsics::make_glob_query(globs.globs, run.ignore(), false));
  co_return co_await answer(engine, run, globs, query);
}

Task<Result<Paths>> list_paths(const Engine& engine, const Run& run, PathGlobs globs) {
  KILN_CO_ASSIGN(const auto query, intrinsics::make_glob_query(globs.globs, run.ignore(), true));
  KILN_CO_ASSIGN(Captured captured, co_await answer(engine, run, globs, query));
  Paths paths{{}, std::move(captured.warnings), captured.clock};
  matched_paths(*captured.tree, *query->globs, RelPath(), query->globs->root(), paths.paths);
  co_return paths;
}

}  // namespace kiln::session
