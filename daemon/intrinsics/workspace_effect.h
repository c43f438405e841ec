// WorkspaceEffect: what a goal rule may do to the workspace. A parameter of goal rules only.
//
//   GoalRule<Gets<…>> fmt(Console& console, WorkspaceEffect& workspace, …) {
//     …
//     KILN_CO_TRY(co_await workspace.write_digest(formatted));
//
// What:    the first write of a goal comes after everything that it read was found to be of one
//          state; what it wrote is known as changed when the co_await returns. Fails before
//          anything is written where it would leave the root, also through a link, or where
//          content is lost that nobody brings back.
// Threads: single-owner, as the goal.
#pragma once

#include <functional>
#include <map>
#include <string_view>

#include "common/types/rel_path.h"
#include "daemon/async/executor.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/intrinsics/workspace_writer.h"
#include "daemon/rules/rule.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

class WorkspaceEffect {
 public:
  static constexpr std::string_view kTypeName = "Workspace";
  static constexpr bool kSideEffect = true;

  struct Services {
    WorkspaceWriter& writer;
    store::Store& store;
    const Workspace& workspace;
    Executor& home;
    Executor& blocking;
    std::function<void()> synchronize;  // makes the writes known
    unsigned umask;                     // of the client
  };
  explicit WorkspaceEffect(Services services) : services_(std::move(services)) {}

  // The tree below `prefix`: each file appears whole, one that is the same already is left alone. A
  // file that somebody edited since the goal's answers were found to be of one state is not
  // replaced: that is an error, and nothing is written. See WorkspaceWriter for modes.
  rules::Effect write_digest(DirectoryDigest digest, RelPath prefix = RelPath());

 private:
  Task<Result<void>> write(DirectoryDigest digest, RelPath prefix);

  const Services services_;
  bool has_written_ = false;
  int64_t unchanged_since_ = 0;      // see WriteTerms
  std::map<RelPath, os::Stat> own_;  // what this goal wrote
};

}  // namespace kiln::intrinsics
