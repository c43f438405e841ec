// What the built-in rules stand on.
//
// Rules are compiled before any of it is there, so that a daemon whose rules do not fit together
// opens nothing and can be asked what is wrong (`kilnd --check-rules`). Whoever composes a daemon
// fills this in before the first rule runs.
#pragma once

#include <type_traits>
#include <utility>

#include "daemon/async/executor.h"
#include "daemon/exec/recorded_results.h"
#include "daemon/exec/runner.h"
#include "daemon/fetch/downloads.h"
#include "daemon/intrinsics/files/file_system.h"
#include "daemon/intrinsics/host/host_tool_function.h"
#include "daemon/intrinsics/output_hub.h"
#include "daemon/intrinsics/trees.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

// All outlive the rules' last run.
struct RuleServices {
  FileSystem* files = nullptr;
  store::Store* store = nullptr;
  exec::ProcessRunner* runner = nullptr;
  OutputHub* outputs = nullptr;
  HostToolFunction* tools = nullptr;
  ChangeRouter* router = nullptr;
  fetch::Downloads* downloads = nullptr;
  Executor* home = nullptr;                  // the graph's
  Executor* blocking = nullptr;              // for what may wait for the disk
  exec::RecordedResults* results = nullptr;  // null: nothing is recorded
  bool allows_strict = false;                // sandboxes, on this machine
  std::string why_not_strict;                // for people, if it does not

  // `f` where it may wait; resumes where the graph's functions run.
  template <class F>
  Task<std::invoke_result_t<F>> where_it_may_block(F f) const {
    return run_blocking(*blocking, *home, std::move(f));
  }
  // The tree that the value carries or names. One that the store has lost is noted as a loss.
  Task<Result<store::TreePtr>> tree_of(const graph::Context& reader,
                                       const DirectoryDigest& digest) const {
    auto tree = co_await intrinsics::tree_of(*store, *home, *blocking, digest);
    if (!tree.ok()) router->note_loss(reader, tree.error());
    co_return tree;
  }
};

}  // namespace kiln::intrinsics
