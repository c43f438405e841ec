// Engine: what the requests of a run are answered from. The composition root fills it in; it owns
// nothing and is only a way to hand these few things on together.
#pragma once

#include "daemon/async/executor.h"
#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/change_bell.h"
#include "daemon/intrinsics/files/file_system.h"
#include "daemon/intrinsics/output_hub.h"
#include "daemon/intrinsics/workspace_writer.h"
#include "daemon/rules/rule_graph.h"
#include "daemon/session/run_events.h"
#include "daemon/store/stores.h"
#include "daemon/trace/counters.h"

namespace kiln::session {

struct Engine {
  graph::Graph& graph;
  intrinsics::FileSystem& files;
  intrinsics::OutputHub& outputs;
  intrinsics::WorkspaceWriter& writer;
  store::Store& store;
  Executor& home;      // where coroutines run
  Executor& blocking;  // for what takes long
  Counters& counters;
  const rules::RuleGraph& rules;
  intrinsics::ChangeBell& changes;
  RunEvents& events;
};

}  // namespace kiln::session
