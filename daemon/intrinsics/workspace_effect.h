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
  };
  explicit WorkspaceEffect(Services services) : services_(std::move(services)) {}

  // The tree below `prefix`: each file appears whole, one that is the same already is left alone.
  rules::Effect write_digest(DirectoryDigest digest, RelPath prefix = RelPath());

 private:
  Task<Result<void>> write(DirectoryDigest digest, RelPath prefix) const;

  const Services services_;
};

}  // namespace kiln::intrinsics
