#include "daemon/service/daemon_service.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/base/file.h"
#include "common/base/version.h"
#include "common/types/rel_path.h"
#include "daemon/service/caller_process.h"
#include "daemon/service/diagnosis.h"

namespace kiln::service {

namespace {

// Second field of /proc/self/statm (proc(5)): resident pages.
uint64_t resident_bytes() {
  const auto text = read_file("/proc/self/statm");
  unsigned long long size = 0;
  unsigned long long resident = 0;
  if (!text.ok() || std::sscanf(text->c_str(), "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

constexpr size_t kMostRuns = 20;
constexpr size_t kMostWorkspaces = 100;
// Names are stable: clients look for them.
constexpr auto kCapabilities = std::to_array<const char*>(
    {"batch.cancel", "caller.view", "digests.read_blob", "error.not_begun", "rules.stream_query"});

void add_runs(const session::Runs& runs, v1::StatusResponse& response) {
  for (const session::Runs::Described& run : runs.oldest(kMostRuns)) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(run.since).count();
    const std::string what = run.what.empty() ? "a request" : run.what;
    const std::string text = what + ", for " + std::to_string(seconds) + " s";
    response.add_running(is_valid_utf8(text) ? text : printable(text));
  }
}

void add_workspaces(const Host& host, v1::StatusResponse& response) {
  intrinsics::FileSystem& files = host.engine.files;
  uint64_t count = 0;
  for (const auto& workspace : host.workspaces.all()) {
    // Where another machine answers, the status does not wait for it.
    files.learn_mounts(*workspace);
    if (files.lane_of(*workspace) == nullptr) (void)workspace->check();
    if (!workspace->is_there()) continue;
    if (count++ < kMostWorkspaces) response.add_workspaces(printable(workspace->root()));
  }
  response.set_workspace_count(count);
}

}  // namespace

grpc::ServerUnaryReactor* DaemonService::Status(grpc::CallbackServerContext* context,
                                                const v1::StatusRequest*,
                                                v1::StatusResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // A daemon that cannot work for this caller says so here, and is asked to leave.
  if (const Result<void> usable = host_.check_caller_of(*context); !usable.ok()) {
    reactor->Finish(to_refusal(usable.error()));
    return reactor;
  }
  const session::Engine& engine = host_.engine;
  const ClockTick clock = engine.files.watcher().synchronize();
  response->set_pid(::getpid());
  response->set_version(std::string(version()));
  response->set_uptime_seconds(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count());
  response->set_home(paths_.home);
  response->set_runtime_dir(paths_.runtime_dir);
  response->set_socket(paths_.socket);
  const bool usable = host_.check().ok();  // else it is about to end
  response->set_stopping(!usable || host_.runs.ending());
  response->set_refusing(!usable || host_.runs.closed());
  add_runs(host_.runs, *response);
  add_workspaces(host_, *response);
  for (const char* capability : kCapabilities) response->add_capabilities(capability);
  const watch::WatchStats watches = engine.files.watcher().stats();
  response->set_watches(watches.watched);
  response->set_unwatched_directories(watches.unwatched);
  const graph::Stats memo = engine.graph.stats();
  response->set_memo_nodes(memo.nodes);
  response->set_memo_bytes(memo.node_bytes + memo.value_bytes);
  response->set_runs_in_flight(host_.runs.in_flight());
  auto& counters = *response->mutable_counters();
  for (const auto& [name, value] : engine.counters.snapshot()) {
    counters[name] = static_cast<uint64_t>(value);
  }
  counters.insert({"process.memoized", 0});  // before the first
  counters["memo.requests"] = memo.requests;
  counters["memo.clean_hits"] = memo.clean_hits;
  counters["memo.cleaned"] = memo.cleaned;
  counters["memo.ran"] = memo.ran;
  counters["memo.cut_off"] = memo.cut_off;
  counters["memo.joined"] = memo.joined;
  counters["memo.cancelled"] = memo.cancelled;
  counters["memo.invalidated"] = memo.invalidated;
  counters["memo.dirtied"] = memo.dirtied;
  counters["memo.evicted"] = memo.evicted;
  counters["memo.forgotten"] = memo.forgotten;
  counters["watch.events"] = watches.events;
  counters["watch.overflows"] = watches.overflows;
  if (memory_ != nullptr) {
    const exec::SandboxMemory::Use use = memory_->use();
    response->set_sandbox_memory(use.directory);
    response->set_sandbox_memory_lent(use.lent);
    response->set_sandbox_memory_room(use.room);
  }
  response->set_processes_running(counters["process.running"]);
  response->set_resident_bytes(resident_bytes());
  host_.set_clock(clock, *response->mutable_clock());
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* DaemonService::Stop(grpc::CallbackServerContext* context,
                                              const v1::StopRequest* request,
                                              v1::StopResponse* response) {
  response->set_pid(::getpid());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  stop_(request->force());
  return reactor;
}

grpc::ServerUnaryReactor* DaemonService::Diagnose(grpc::CallbackServerContext* context,
                                                  const v1::DiagnoseRequest* request,
                                                  v1::DiagnoseResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto look = [this, request, response, reactor] {
    const session::Engine& engine = host_.engine;
    for (v1::Finding& finding : diagnose({.confinement = confinement_,
                                .home = paths_.home,
                                .workspace_root = request->workspace_root(),
                                .watches = engine.files.watcher().stats()})) {
      *response->add_findings() = std::move(finding);
    }
    reactor->Finish(grpc::Status::OK);
  };
  host_.engine.blocking.post(look);  // a file system may not answer at once
  return reactor;
}

}  // namespace kiln::service
