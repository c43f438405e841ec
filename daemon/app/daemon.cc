#include "daemon/app/daemon.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/store/rocks_store.h"

namespace kiln::app {

namespace {

// The largest message a client may send; files travel in streams.
constexpr int kMaxMessageBytes = 64 << 20;
// Nothing is in flight any more when the server goes but answers to status and stop; clients that
// only keep a connection open are not waited for.
constexpr std::chrono::milliseconds kFarewell{50};

// Threads of the graph's executor also read small files, which may wait for the disk.
size_t home_threads() { return std::max(4u, 2 * std::thread::hardware_concurrency()); }
constexpr size_t kBlockingThreads = 8;
// Downloads at once.
constexpr size_t kTransferThreads = 8;

uint64_t random_epoch() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

// Strict sandboxes, or why this machine does not allow them.
struct Confinement {
  std::unique_ptr<confine::Slots> slots;
  confine::Support support;
};

Result<Confinement> confine_processes(size_t jobs, Log& log) {
  // As a tmpfs has it by default: what is not written takes no memory.
  const auto memory = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  Confinement made;
  KILN_ASSIGN(auto started, confine::Holder::start(memory / 2));
  if (auto* holder = std::get_if<std::unique_ptr<confine::Holder>>(&started)) {
    made.slots = std::make_unique<confine::Slots>(std::move(*holder), jobs, log);
    made.support = made.slots->probe();
    if (!made.support.available()) made.slots.reset();
  } else {
    made.support = std::get<confine::Support>(started);
  }
  if (!made.support.available()) {
    log.info("strict sandboxes are not possible here: " + made.support.to_string());
  }
  return made;
}

// An error that says itself what to do about the store, as one of damage does, is left alone.
Result<std::unique_ptr<store::Store>> open_store(const store::RocksOptions& options, Log& log) {
  auto opened = store::open_rocks_store(options, log);
  const ErrorCode code = opened.ok() ? ErrorCode::kInternal : opened.error().code();
  const bool unusable = code == ErrorCode::kUnavailable || code == ErrorCode::kPermissionDenied;
  return unusable ? std::move(opened).with_context(kHomeHint) : std::move(opened);
}

}  // namespace

// What can fail to be made.
struct Daemon::Parts {
  DaemonRules rules;
  std::unique_ptr<Counters> counters = std::make_unique<Counters>();
  std::unique_ptr<ThreadPool> blocking;
  std::unique_ptr<ThreadPool> home;
  std::unique_ptr<intrinsics::Workspaces> workspaces = std::make_unique<intrinsics::Workspaces>();
  std::unique_ptr<intrinsics::ChangeRouter> router;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<watch::Watcher> watcher;
  Confinement confinement;
  std::unique_ptr<exec::ProcessRunner> sandboxed;
  std::unique_ptr<exec::ProcessRunner> strict;
  Premises premises;
};

Result<std::unique_ptr<Daemon>> Daemon::start(const Config& config, Log& log, DaemonRules rules,
                                              Stop stop) {
  KILN_CHECK(rules.compiled.graph != nullptr, "a daemon was started with rules that do not fit");
  const std::string& home = config.paths.home;
  Parts parts{.rules = std::move(rules)};
  KILN_ASSIGN(parts.confinement, confine_processes(config.jobs, log));  // before there are threads
  parts.blocking = std::make_unique<ThreadPool>("kiln-blocking", kBlockingThreads);
  parts.home = std::make_unique<ThreadPool>("kiln-graph", home_threads());
  parts.router = std::make_unique<intrinsics::ChangeRouter>(*parts.workspaces);
  KILN_ASSIGN(parts.store,
              open_store({.path = home + "/store", .block_cache_bytes = config.cache_bytes}, log));
  KILN_ASSIGN(parts.watcher, watch::make_inotify_watcher(*parts.router, log, config.max_watches));
  exec::SandboxOptions sandboxes;
  sandboxes.directory = home + "/sandboxes";
  sandboxes.threads = config.jobs;
  sandboxes.instance = static_cast<uint32_t>(xxh3_128(home).low);
  KILN_TRY(make_directories(sandboxes.directory, 0700));
  KILN_ASSIGN(parts.sandboxed, exec::make_sandbox_runner(sandboxes, *parts.store, *parts.home,
                                                         *parts.counters, log));
  if (parts.confinement.slots != nullptr) {
    parts.strict = exec::make_strict_runner(sandboxes, *parts.confinement.slots, *parts.store,
                                            *parts.home, *parts.counters, log);
  }
  KILN_ASSIGN(parts.premises, Premises::of({home + "/store", sandboxes.directory}));
  std::unique_ptr<Daemon> daemon(new Daemon(config, std::move(parts), std::move(stop)));
  KILN_TRY(daemon->listen(config, log));
  return daemon;
}

Daemon::Daemon(const Config& config, Parts parts, Stop stop)
    : home_path_(config.paths.home),
      premises_(std::move(parts.premises)),
      stop_(std::move(stop)),
      counters_(std::move(parts.counters)),
      blocking_(std::move(parts.blocking)),
      home_(std::move(parts.home)),
      transfers_("kiln-fetch", kTransferThreads),
      workspaces_(std::move(parts.workspaces)),
      router_(std::move(parts.router)),
      store_(std::move(parts.store)),
      watcher_(std::move(parts.watcher)),
      complete_actions_(
          store::make_completeness_checking(store_->actions(), store_->blobs(), store_->trees())),
      slots_(std::move(parts.confinement.slots)),
      sandboxed_(std::move(parts.sandboxed)),
      strict_(std::move(parts.strict)),
      levels_(exec::make_level_runner(*sandboxed_, strict_.get(),
                                      std::move(parts.confinement.support))),
      bounded_(exec::make_bounded_runner(*levels_, config.jobs, *home_, *counters_, events_)),
      cached_(
          exec::make_caching_runner(*bounded_, *complete_actions_, *blocking_, *home_, *counters_)),
      fetcher_(fetch::make_fetcher(config.downloads, *counters_)),
      downloads_(*fetcher_, store_->blobs(), transfers_, *home_, *counters_),
      fs_counters_(*counters_),
      files_({*watcher_, *store_, *home_, *blocking_, fs_counters_, *router_}),
      tool_digests_(fs_counters_),
      tools_(files_.functions(), workspaces_->host(), tool_digests_, *home_, *blocking_),
      writer_(*store_, fs_counters_),
      changes_(*home_),
      rules_(std::move(parts.rules)),
      graph_(*home_, {.value_bytes_cap = config.memo_bytes,
                      .node_budget = config.memo_nodes,
                      .observer = &events_}),
      engine_{graph_,     files_,     outputs_,
              writer_,    *store_,    *home_,
              *blocking_, *counters_, *rules_.compiled.graph,
              changes_,   events_},
      host_{engine_,          runs_,          *workspaces_,
            {*home_, calls_}, random_epoch(), [this] { return check_premises(); }},
      digests_service_(host_),
      processes_service_(host_),
      goals_service_(host_),
      rules_service_(host_),
      daemon_service_(host_, config.paths, [this](bool force) { stop_("a client asked", force); }) {
  *rules_.services = {&files_,       store_.get(), cached_.get(), &outputs_,      &tools_,
                      router_.get(), &downloads_,  home_.get(),   blocking_.get()};
  router_->attach(graph_, &changes_);
}

Result<void> Daemon::listen(const Config& config, Log& log) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.RegisterService(&digests_service_);
  builder.RegisterService(&processes_service_);
  builder.RegisterService(&goals_service_);
  builder.RegisterService(&rules_service_);
  builder.RegisterService(&daemon_service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return internal_error("gRPC refused to start a server");
  KILN_ASSIGN(listener_, Listener::open(config.paths.socket, *server_, log));
  return {};
}

Result<void> Daemon::check_premises() const {
  if (premises_.in_place()) return {};
  // What runs cannot come to anything either.
  stop_(home_path_ + " was removed or replaced", true);
  return environment_error(ErrorCode::kUnavailable,
                           home_path_ +
                               " was removed or replaced while this daemon ran, so it ends; "
                               "ask again to start a new one");
}

void Daemon::close(bool cancel) {
  if (listener_ != nullptr) listener_->close();
  runs_.close();
  if (cancel) runs_.cancel_all();
}

Daemon::~Daemon() {
  close(true);
  runs_.wait_until_idle();
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kFarewell);
  calls_.join();
  // The watcher's thread must not meet a graph that is going: whoever is telling the router of
  // changes holds the watcher, and after this they find nobody to tell.
  router_->detach();
  watcher_->synchronize();
}

}  // namespace kiln::app
