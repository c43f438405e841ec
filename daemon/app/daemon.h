// Daemon: the composition root. The only place that names concrete classes; reads top to bottom as
// the house is built, floor by floor.
//
// Owns:    everything. Two of them can live in one process, with two homes.
// Threads: single-owner: construct, serve and destroy on one thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>

#include "daemon/app/all_rules.h"
#include "daemon/app/config.h"
#include "daemon/app/listener.h"
#include "daemon/app/premises.h"
#include "daemon/async/executor.h"
#include "daemon/async/scope.h"
#include "daemon/confine/slots.h"
#include "daemon/exec/runners.h"
#include "daemon/fetch/downloads.h"
#include "daemon/fetch/fetchers.h"
#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/change_bell.h"
#include "daemon/intrinsics/files/file_system.h"
#include "daemon/intrinsics/files/host_tool_function.h"
#include "daemon/intrinsics/files/host_tools.h"
#include "daemon/intrinsics/output_hub.h"
#include "daemon/intrinsics/workspace_writer.h"
#include "daemon/rules/rule_graph.h"
#include "daemon/service/daemon_service.h"
#include "daemon/service/digests_service.h"
#include "daemon/service/goals_service.h"
#include "daemon/service/host.h"
#include "daemon/service/processes_service.h"
#include "daemon/service/rules_service.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"
#include "daemon/store/stores.h"
#include "daemon/trace/counters.h"
#include "daemon/watch/watcher.h"

namespace kiln::app {

class Daemon {
 public:
  // Opens the store and listens. The caller holds the life lock of `config.paths`; its rules fit
  // together. `stop` is called from any thread when the daemon is to go: a client asks, or the home
  // is gone. `log` outlives it.
  using Stop = std::function<void(const std::string& why, bool force)>;
  static Result<std::unique_ptr<Daemon>> start(const Config& config, Log& log, DaemonRules rules,
                                               Stop stop);
  ~Daemon();

  // Takes no more requests; those in flight go on, or are cancelled.
  void close(bool cancel);
  size_t runs_in_flight() const { return runs_.in_flight(); }
  std::chrono::steady_clock::duration idle() const { return runs_.idle(); }

 private:
  struct Parts;
  Daemon(const Config& config, Parts parts, Stop stop);
  // What every request begins with.
  Result<void> check_premises() const;
  Result<void> listen(const Config& config, Log& log);

  const std::string home_path_;
  const Premises premises_;
  const Stop stop_;

  // Floor 2 and 3: counting, running, remembering.
  const std::unique_ptr<Counters> counters_;
  const std::unique_ptr<ThreadPool> blocking_;
  const std::unique_ptr<ThreadPool> home_;
  ThreadPool transfers_;
  // Floor 4: what is stored and what changed.
  const std::unique_ptr<intrinsics::Workspaces> workspaces_;
  const std::unique_ptr<intrinsics::ChangeRouter> router_;
  const std::unique_ptr<store::Store> store_;
  const std::unique_ptr<watch::Watcher> watcher_;
  // Who is told of what runs: of floor 7, and told by all below.
  session::RunEvents events_;
  // Floor 5: processes, innermost first.
  const std::unique_ptr<store::ActionCache> complete_actions_;
  const std::unique_ptr<confine::Slots> slots_;  // null where the machine does not allow it
  const std::unique_ptr<exec::ProcessRunner> sandboxed_;
  const std::unique_ptr<exec::ProcessRunner> strict_;  // null without slots
  const std::unique_ptr<exec::ProcessRunner> levels_;
  const std::unique_ptr<exec::ProcessRunner> bounded_;
  const std::unique_ptr<exec::ProcessRunner> cached_;
  // And downloads.
  const std::unique_ptr<fetch::Fetcher> fetcher_;
  fetch::Downloads downloads_;
  // Floor 6: the functions behind the nodes, then the graph that runs them and who is told of it.
  intrinsics::FsCounters fs_counters_;
  intrinsics::FileSystem files_;
  intrinsics::OutputHub outputs_;
  intrinsics::HostTools tool_digests_;
  intrinsics::HostToolFunction tools_;
  intrinsics::WorkspaceWriter writer_;
  intrinsics::ChangeBell changes_;
  const DaemonRules rules_;
  graph::Graph graph_;
  // Floor 7 and 8: runs, and the services that make them.
  session::Engine engine_;
  session::Runs runs_;
  Scope calls_;
  service::Host host_;
  service::DigestsService digests_service_;
  service::ProcessesService processes_service_;
  service::GoalsService goals_service_;
  service::RulesService rules_service_;
  service::DaemonService daemon_service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace kiln::app
