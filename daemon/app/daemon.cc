#include "daemon/app/daemon.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>

#include "common/base/file.h"
#include "common/types/hash.h"
#include "daemon/os/process_limits.h"
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

Confinement confine_processes(size_t jobs, Log& log) {
  // As a tmpfs has it by default: what is not written takes no memory.
  const auto memory = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  Confinement made;
  auto started = confine::Holder::start(memory / 2);
  if (!started.ok()) {
    made.support.missing.push_back(
        confine::explain(confine::Part::kNamespaces, started.error().to_string()));
  } else if (auto* holder = std::get_if<std::unique_ptr<confine::Holder>>(&*started)) {
    made.slots = std::make_unique<confine::Slots>(std::move(*holder), jobs, log);
    made.support = made.slots->probe();
    if (!made.support.available()) made.slots.reset();
  } else {
    made.support = std::get<confine::Support>(*std::move(started));
  }
  if (!made.support.available()) {
    log.info("strict sandboxes are not possible here: " + made.support.to_string());
  }
  return made;
}

// Null: sandboxes are made on disk.
Result<std::unique_ptr<exec::SandboxMemory>> sandbox_memory(const Config& config, uint32_t instance,
                                                            Counters& counters, Log& log) {
  if (config.sandbox_directory == "disk") return std::unique_ptr<exec::SandboxMemory>();
  if (config.sandbox_directory.empty()) {
    return exec::SandboxMemory::find(config.memory_places, instance, counters, log);
  }
  return exec::SandboxMemory::open(config.sandbox_directory, instance, counters, log)
      .with_context("KILN_SANDBOX_DIRECTORY names a directory in a tmpfs, or is 'disk'");
}

// An error that says itself what to do about the store, as one of damage does, is left alone.
Result<std::unique_ptr<store::Store>> open_store(const store::RocksOptions& options, Log& log) {
  auto opened = store::open_rocks_store(options, log);
  const ErrorCode code = opened.ok() ? ErrorCode::kInternal : opened.error().code();
  const bool unusable = code == ErrorCode::kUnavailable || code == ErrorCode::kPermissionDenied;
  return unusable ? std::move(opened).with_context(kHomeHint) : std::move(opened);
}

// What a process is told that asked for the best level, where strict is none.
std::string why_plain(const confine::Support& support) {
  if (support.available()) return "";
  const confine::MissingPart& part = support.missing.front();
  return "it ran at the sandbox level plain, so it could read files that are no inputs of it: this "
         "machine does not allow strict (" +
         part.part + ": " + part.why +
         "); `kiln doctor` says what to do, --sandbox plain takes it so";
}

// The directories that a capture leaves out, as they are behind symlinks. Both exist by now.
std::vector<std::string> own_directories(const DaemonPaths& paths) {
  std::vector<std::string> directories;
  for (const std::string& path : {paths.home, paths.runtime_dir}) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(path, error);
    if (!error) directories.push_back(real.string());
  }
  return directories;
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
  std::unique_ptr<exec::SandboxMemory> memory;
  std::unique_ptr<exec::SandboxedRunner> sandboxed;
  std::unique_ptr<exec::ProcessRunner> strict;
  std::unique_ptr<exec::InteractiveSandboxes> interactive;
  Premises premises;
};

Result<std::unique_ptr<Daemon>> Daemon::start(const Config& config, Log& log, DaemonRules rules,
                                              Stop stop) {
  KILN_CHECK(rules.compiled.graph != nullptr, "a daemon was started with rules that do not fit");
  const std::string& home = config.paths.home;
  Parts parts{.rules = std::move(rules)};
  parts.confinement = confine_processes(config.jobs, log);  // before there are threads
  parts.blocking = std::make_unique<ThreadPool>("kiln-blocking", kBlockingThreads);
  parts.home = std::make_unique<ThreadPool>("kiln-graph", home_threads());
  parts.router = std::make_unique<intrinsics::ChangeRouter>(*parts.workspaces);
  KILN_ASSIGN(parts.store,
              open_store({.path = home + "/store", .block_cache_bytes = config.cache_bytes}, log));
  KILN_ASSIGN(parts.watcher, watch::make_inotify_watcher(*parts.router, log, config.max_watches));
  exec::SandboxOptions sandboxes;
  sandboxes.directory = home + "/sandboxes";
  sandboxes.caches = home + "/caches";
  sandboxes.threads = config.jobs;
  sandboxes.instance = static_cast<uint32_t>(xxh3_128(home).low);
  KILN_TRY(make_directories(sandboxes.directory, 0700));
  KILN_ASSIGN(parts.memory, sandbox_memory(config, sandboxes.instance, *parts.counters, log));
  sandboxes.memory = parts.memory.get();
  KILN_ASSIGN(parts.sandboxed, exec::make_sandbox_runner(sandboxes, *parts.store, *parts.home,
                                                         *parts.counters, log));
  if (parts.confinement.slots != nullptr) {
    parts.strict = exec::make_strict_runner(sandboxes, *parts.confinement.slots, *parts.store,
                                            *parts.home, *parts.counters, log);
  }
  KILN_ASSIGN(parts.interactive,
              exec::InteractiveSandboxes::open(home + "/interactive", sandboxes.instance,
                                               *parts.store, *parts.counters, log));
  KILN_ASSIGN(parts.premises, Premises::of({home + "/store", sandboxes.directory},
                                           home + "/store/" + store::kRepairNote));
  std::unique_ptr<Daemon> daemon(new Daemon(config, std::move(parts), std::move(stop)));
  KILN_TRY(daemon->listen(config, log));
  return daemon;
}

Daemon::Daemon(const Config& config, Parts parts, Stop stop)
    : home_path_(config.paths.home),
      premises_(std::move(parts.premises)),
      stop_(std::move(stop)),
      limited_(!os::limits_that_stay().empty()),
      counters_(std::move(parts.counters)),
      blocking_(std::move(parts.blocking)),
      home_(std::move(parts.home)),
      transfers_("kiln-fetch", kTransferThreads),
      workspaces_(std::move(parts.workspaces)),
      router_(std::move(parts.router)),
      store_(std::move(parts.store)),
      watcher_(std::move(parts.watcher)),
      results_(store_->actions(), store_->blobs(), store_->trees()),
      fs_counters_(*counters_),
      tool_files_(fs_counters_),
      slots_(std::move(parts.confinement.slots)),
      memory_(std::move(parts.memory)),
      sandboxed_(std::move(parts.sandboxed)),
      strict_(std::move(parts.strict)),
      levels_(exec::make_level_runner(*sandboxed_, strict_.get(), parts.confinement.support)),
      checked_(exec::make_checking_runner(*levels_, tool_files_, *blocking_, *home_, *counters_)),
      bounded_(exec::make_bounded_runner(*checked_, config.jobs, *home_, *counters_, events_)),
      cached_(exec::make_caching_runner(*bounded_, results_, *blocking_, *home_, *counters_)),
      interactive_(std::move(parts.interactive)),
      fetcher_(fetch::make_fetcher(config.downloads, *counters_)),
      downloads_(*fetcher_, store_->blobs(), transfers_, *home_, *counters_),
      files_({*watcher_, *store_, *home_, *blocking_, fs_counters_, *router_},
             {config.git, own_directories(config.paths)}),
      tools_(files_.functions(), workspaces_->host(), tool_files_, *home_, *blocking_),
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
      offers_(*home_),
      host_{engine_,
            runs_,
            *workspaces_,
            {*home_, calls_},
            random_epoch(),
            [this] { return check_premises(); },
            [this](pid_t caller) { return check_caller(caller); },
            [this](pid_t caller) { return bounded_->lend(sandboxed_->slot_of(caller)); },
            *interactive_,
            offers_},
      digests_service_(host_),
      processes_service_(host_),
      goals_service_(host_),
      rules_service_(host_),
      daemon_service_(host_, config.paths, parts.confinement.support, memory_.get(),
                      [this](bool force) { stop_("a client asked", force); }),
      reflection_service_({v1::Digests::service_full_name(), v1::Processes::service_full_name(),
                           v1::Goals::service_full_name(), v1::Rules::service_full_name(),
                           v1::Daemon::service_full_name(), "grpc.health.v1.Health",
                           "grpc.reflection.v1.ServerReflection",
                           "grpc.reflection.v1alpha.ServerReflection"}) {
  *rules_.services = {.files = &files_,
                      .store = store_.get(),
                      .runner = cached_.get(),
                      .outputs = &outputs_,
                      .tools = &tools_,
                      .router = router_.get(),
                      .downloads = &downloads_,
                      .home = home_.get(),
                      .blocking = blocking_.get(),
                      .results = &results_,
                      .allows_strict = strict_ != nullptr,
                      .why_not_strict = why_plain(parts.confinement.support)};
  router_->attach(graph_, &changes_);
}

Result<void> Daemon::listen(const Config& config, Log& log) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // Clients may ask whether the connection lives as often as they like, while a stream is quiet and
  // between calls: on a local socket that harms nobody.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.RegisterService(&digests_service_);
  builder.RegisterService(&processes_service_);
  builder.RegisterService(&goals_service_);
  builder.RegisterService(&rules_service_);
  builder.RegisterService(&daemon_service_);
  builder.RegisterService(&reflection_service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return internal_error("gRPC refused to start a server");
  pulse_ = std::make_unique<HandlerPulse>(*server_);
  KILN_ASSIGN(listener_, Listener::open(config.paths, *server_, log,
                                        [this](const std::string& why) { stop_(why, false); }));
  return {};
}

Result<void> Daemon::check_premises() const {
  const std::optional<std::string> trouble = premises_.trouble();
  if (!trouble) return {};
  // What runs cannot come to anything either.
  stop_(*trouble, true);
  return environment_error(
      ErrorCode::kUnavailable,
      *trouble + " while this daemon ran, so it ends; ask again to start a new one");
}

void Daemon::drain() { runs_.drain(); }

Result<void> Daemon::check_caller(pid_t caller) const {
  // One that works is not ended for it: that would be worse for those who wait for it.
  if (!limited_ || runs_.in_flight() > 0 || !os::has_better_limits(caller)) return {};
  const std::string why =
      "it was started under limits that process " + std::to_string(caller) + " does not have";
  stop_(why, false);
  return environment_error(ErrorCode::kUnavailable,
                           "this daemon ends: " + why + "; ask again to start a new one");
}

void Daemon::close(bool cancel) {
  runs_.close();
  if (cancel) runs_.cancel_all();
  if (server_ == nullptr) return;
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
}

void Daemon::leave() {
  if (listener_ != nullptr) listener_->close();
}

Daemon::~Daemon() {
  leave();
  close(true);
  runs_.wait_until_idle();
  pulse_.reset();
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kFarewell);
  calls_.join();
  // The watcher's thread must not meet a graph that is going: whoever is telling the router of
  // changes holds the watcher, and after this they find nobody to tell.
  router_->detach();
  watcher_->synchronize();
}

}  // namespace kiln::app
