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
#include "daemon/app/handler_pulse.h"
#include "daemon/app/listener.h"
#include "daemon/app/premises.h"
#include "daemon/async/executor.h"
#include "daemon/async/scope.h"
#include "daemon/confine/slots.h"
#include "daemon/exec/runners.h"
#include "daemon/exec/sandbox_memory.h"
#include "daemon/fetch/downloads.h"
#include "daemon/fetch/fetchers.h"
#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/change_bell.h"
#include "daemon/intrinsics/files/file_system.h"
#include "daemon/intrinsics/host/host_tool_function.h"
#include "daemon/intrinsics/host/host_tools.h"
#include "daemon/intrinsics/output_hub.h"
#include "daemon/intrinsics/workspace_writer.h"
#include "daemon/rules/rule_graph.h"
#include "daemon/service/daemon_service.h"
#include "daemon/service/digests_service.h"
#include "daemon/service/goals_service.h"
#include "daemon/service/host.h"
#include "daemon/service/interactive_offers.h"
#include "daemon/service/processes_service.h"
#include "daemon/service/reflection_service.h"
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

  // A gentle end: requests are served until those in flight now have ended (session::Runs).
  void drain();
  // Takes no more requests; those in flight go on, or are cancelled. Status is answered until
  // leave().
  void close(bool cancel);
  // Takes no more connections.
  void leave();
  size_t runs_in_flight() const { return runs_.in_flight(); }
  std::chrono::steady_clock::duration idle() const { return runs_.idle(); }

 private:
  struct Parts;
  Daemon(const Config& config, Parts parts, Stop stop);
  // What every request begins with.
  Result<void> check_premises() const;
  // An error if that process should start a daemon that serves better.
  Result<void> check_caller(pid_t caller) const;
  Result<void> listen(const Config& config, Log& log);

  const std::string home_path_;
  const Premises premises_;
  const Stop stop_;
  const bool limited_;  // processes run under lower limits than they should

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
  exec::RecordedResults results_;
  intrinsics::FsCounters fs_counters_;
  intrinsics::HostTools tool_files_;  // of floor 6: the check of tools, which runners call
  const std::unique_ptr<confine::Slots> slots_;        // null where the machine does not allow it
  const std::unique_ptr<exec::SandboxMemory> memory_;  // null: sandboxes are made on disk
  const std::unique_ptr<exec::SandboxedRunner> sandboxed_;
  const std::unique_ptr<exec::ProcessRunner> strict_;  // null without slots
  const std::unique_ptr<exec::ProcessRunner> levels_;
  const std::unique_ptr<exec::ProcessRunner> checked_;
  const std::unique_ptr<exec::BoundedRunner> bounded_;
  const std::unique_ptr<exec::ProcessRunner> cached_;
  const std::unique_ptr<exec::InteractiveSandboxes> interactive_;
  // And downloads.
  const std::unique_ptr<fetch::Fetcher> fetcher_;
  fetch::Downloads downloads_;
  // Floor 6: the functions behind the nodes, then the graph that runs them and who is told of it.
  intrinsics::FileSystem files_;
  intrinsics::OutputHub outputs_;
  intrinsics::HostToolFunction tools_;
  intrinsics::WorkspaceWriter writer_;
  intrinsics::ChangeBell changes_;
  const DaemonRules rules_;
  graph::Graph graph_;
  // Floor 7 and 8: runs, and the services that make them.
  session::Engine engine_;
  session::Runs runs_;
  Scope calls_;
  service::InteractiveOffers offers_;
  service::Host host_;
  service::DigestsService digests_service_;
  service::ProcessesService processes_service_;
  service::GoalsService goals_service_;
  service::RulesService rules_service_;
  service::DaemonService daemon_service_;
  service::ReflectionService reflection_service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<HandlerPulse> pulse_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace kiln::app
