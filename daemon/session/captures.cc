#include "daemon/session/captures.h"

#include <algorithm>

#include "daemon/intrinsics/glob_query.h"

namespace kiln::session {

namespace {

std::string quoted_list(const std::vector<std::string>& globs) {
  std::string text;
  for (const std::string& glob : globs) {
    if (!text.empty()) text += ", ";
    text += "'" + printable(glob) + "'";
  }
  return text;
}

// What to say of globs that matched nothing; empty if that is fine.
std::string unmatched_message(const PathGlobs& globs, const os::GlobSet& compiled,
                              const std::vector<std::string>& unmatched) {
  if (globs.match_error == GlobMatchError::kIgnore || unmatched.empty()) return "";
  const bool any = globs.conjunction == GlobConjunction::kAnyMatch;
  if (any && unmatched.size() < compiled.includes().size()) return "";
  std::string text =
      unmatched.size() == 1 ? "no file matches the glob " : "no file matches the globs ";
  text += quoted_list(unmatched) + " from " + globs.origin;
  if (!compiled.excludes().empty()) text += " (excluded: " + quoted_list(compiled.excludes()) + ")";
  return text;
}

// Applies the behaviour for unmatched globs to what was found.
Result<void> settle(const PathGlobs& globs, std::string message, Captured& captured) {
  if (message.empty()) return {};
  if (globs.match_error == GlobMatchError::kError) {
    return user_error(ErrorCode::kNotFound, std::move(message));
  }
  captured.warnings.push_back(std::move(message));
  return {};
}

struct Subset {
  const os::GlobSet& globs;
  std::vector<bool> matched;

  store::TreePtr of(const store::Tree& tree, const RelPath& prefix, const os::GlobState& state) {
    std::vector<store::Entry> entries;
    for (const store::Entry& entry : tree.entries()) {
      const RelPath path = prefix.child(entry.name);
      const auto* below = std::get_if<store::TreePtr>(&entry.node);
      const os::GlobSet::Step step = globs.step(state, entry.name);
      const bool enters = below != nullptr && !step.below.dead();
      if ((step.matched.empty() && !enters) || globs.excluded(path, below != nullptr)) continue;
      for (const uint32_t i : step.matched) matched[i] = true;
      if (below == nullptr) {
        entries.push_back(entry);
        continue;
      }
      store::TreePtr part = enters ? of(**below, path, step.below) : store::Tree::empty();
      if (part->entries().empty() && step.matched.empty()) continue;
      entries.push_back({entry.name, std::move(part)});
    }
    return store::Tree::make(std::move(entries));
  }
};

}  // namespace

Result<void> check(const PathGlobs& globs) {
  if (globs.match_error != GlobMatchError::kIgnore && globs.origin.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "globs that warn or fail when nothing matches need a description_of_origin: "
                      "where they come from");
  }
  if (globs.match_error == GlobMatchError::kIgnore && !globs.origin.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "description_of_origin is only of use with match_error WARN or ERROR");
  }
  return {};
}

namespace {

// What the query selects, with the behaviours for globs that match nothing applied.
Task<Result<Captured>> answer(const Engine& engine, const Run& run, const PathGlobs& globs,
                              std::shared_ptr<const intrinsics::GlobQuery> query) {
  KILN_CO_TRY(check(globs));
  if (run.workspace() == nullptr) {
    co_return user_error(ErrorCode::kInvalidArgument, "a capture needs a workspace root");
  }
  const intrinsics::Workspace& workspace = *run.workspace();
  KILN_CO_ASSIGN(auto found, co_await engine.files.capture(engine.graph, workspace, query, run.id(),
                                                           run.token()));
  Captured captured{found.tree, std::move(found.notes), found.clock};
  std::string message = unmatched_message(globs, *query->globs, found.unmatched);
  if (!message.empty()) {
    for (const std::string& glob : found.unmatched) {
      KILN_CO_ASSIGN(const std::string why,
                     co_await engine.files.explain_unmatched(engine.graph, workspace, *query, glob,
                                                             run.id(), run.token()));
      if (!why.empty()) message += "\n  " + why;
    }
    message += "\n  in the workspace " + workspace.root();
  }
  KILN_CO_TRY(settle(globs, std::move(message), captured));
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

Result<Captured> subset(const store::TreePtr& tree, const PathGlobs& globs) {
  KILN_TRY(check(globs));
  KILN_ASSIGN(const auto compiled, os::GlobSet::compile(globs.globs));
  Subset walk{*compiled, std::vector<bool>(compiled->includes().size())};
  Captured captured{walk.of(*tree, RelPath(), compiled->root()), {}, {}};
  std::vector<std::string> unmatched;
  for (size_t i = 0; i < walk.matched.size(); ++i) {
    if (!walk.matched[i]) unmatched.push_back(compiled->includes()[i]);
  }
  KILN_TRY(settle(globs, unmatched_message(globs, *compiled, unmatched), captured));
  return captured;
}

}  // namespace kiln::session
