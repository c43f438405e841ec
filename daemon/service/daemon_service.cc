#include "daemon/service/daemon_service.h"

#include <unistd.h>

#include <cstdio>

#include "common/base/file.h"

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

}  // namespace

grpc::ServerUnaryReactor* DaemonService::Status(grpc::CallbackServerContext* context,
                                                const v1::StatusRequest*,
                                                v1::StatusResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (const Result<void> usable = host_.check(); !usable.ok()) {
    reactor->Finish(to_refusal(usable.error()));
    return reactor;
  }
  const session::Engine& engine = host_.engine;
  const ClockTick clock = engine.files.watcher().synchronize();
  response->set_pid(::getpid());
  response->set_version(KILN_VERSION);
  response->set_uptime_seconds(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count());
  response->set_home(paths_.home);
  response->set_runtime_dir(paths_.runtime_dir);
  for (const auto& workspace : host_.workspaces.all()) {
    // Where another machine answers, the status does not wait for it.
    engine.files.learn_mounts(*workspace);
    if (engine.files.lane_of(*workspace) == nullptr) (void)workspace->check();
    if (workspace->is_there()) response->add_workspaces(printable(workspace->root()));
  }
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

}  // namespace kiln::service
