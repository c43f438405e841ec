#include <unistd.h>

#include <atomic>
#include <utility>

#include "daemon/exec/append_only_caches.h"
#include "daemon/exec/command.h"
#include "daemon/exec/families.h"
#include "daemon/exec/family_enclosure.h"
#include "daemon/exec/materialize.h"
#include "daemon/exec/process_threads.h"
#include "daemon/exec/result_of.h"
#include "daemon/exec/run_script.h"
#include "daemon/exec/runners.h"
#include "daemon/exec/sandbox_memory.h"
#include "daemon/exec/sandbox_pool.h"
#include "daemon/exec/supervise.h"

namespace kiln::exec {
namespace {

constexpr os::ProcessTag kMagic = os::ProcessTag{0x6b1c} << 48;
constexpr os::ProcessTag kDaemonMask = ~os::ProcessTag{0xffff};

class SandboxRunner final : public SandboxedRunner {
 public:
  SandboxRunner(SandboxOptions options, std::unique_ptr<SandboxPool> sandboxes,
                std::unique_ptr<Families> families, store::Store& store, Executor& executor,
                Counters& counters, Log& log)
      : options_(std::move(options)),
        store_(store),
        executor_(executor),
        log_(log),
        ran_(counters["process.ran"]),
        timed_out_(counters["process.timed_out"]),
        cancelled_(counters["process.cancelled"]),
        descendants_killed_(counters["process.descendants_killed"]),
        not_ended_(counters["process.not_ended"]),
        limits_(os::plain_limits()),
        sandboxes_(std::move(sandboxes)),
        families_(std::move(families)),
        threads_("kiln-process", options_.threads) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    auto result = co_await run_blocking(threads_, executor_, [&] { return run_here(request); });
    if (!result.ok() && result.error().code() == ErrorCode::kCancelled) cancelled_.add();
    co_return result;
  }

  SlotId slot_of(pid_t caller) override { return families_->slot_of(caller); }

 private:
  Result<RunResult> run_here(const RunRequest& request) {
    if (request.stop.stop_requested()) return process_cancelled();
    if (request.process.sandbox != SandboxLevel::kPlain) {
      return user_error(ErrorCode::kUnsupported,
                        "this runner enforces the sandbox level plain only, not strict");
    }
    KILN_TRY(check_strings(request.process));
    if (auto result = run_in_memory(request)) return *std::move(result);
    KILN_ASSIGN(SandboxDirectory sandbox, sandboxes_->take(request.keep != KeepSandboxes::kNever));
    return run_at(sandbox, request);
  }

  // Nothing if it has to run on disk: it does not fit, or it ran and there was too little room.
  std::optional<Result<RunResult>> run_in_memory(const RunRequest& request) {
    if (options_.memory == nullptr || request.keep != KeepSandboxes::kNever) return std::nullopt;
    auto lent = options_.memory->take(request.process.inputs->extent(), request.stop);
    if (!lent) return std::nullopt;
    RunRequest inner = request;
    inner.stop = lent->stop();
    auto result = run_at(lent->directory(), inner);
    if (request.stop.stop_requested() || !lent->outgrown()) return result;
    return std::nullopt;
  }

  Result<RunResult> run_at(SandboxDirectory& sandbox, const RunRequest& request) {
    const Command command = command_in(sandbox.path(), request);
    auto result = run_in(sandbox, command, request);
    const bool was_cancelled = !result.ok() && result.error().code() == ErrorCode::kCancelled;
    if (was_cancelled) sandbox.empty_aside();
    if (was_cancelled || !is_kept(request.keep, result)) return result;
    keep(sandbox, command, request, result);
    return result;
  }

  Result<RunResult> run_in(SandboxDirectory& sandbox, const Command& command,
                           const RunRequest& request) {
    const Process& process = request.process;
    KILN_ASSIGN(const UniqueFd directory,
                make_inputs(sandbox.fd(), process, store_.files(), request.stop));
    KILN_TRY(make_caches(options_.caches, process));
    KILN_TRY(link_caches(sandbox.fd(), process, options_.caches));
    if (request.observer != nullptr) request.observer->started(sandbox.path());
    OutputSink out(store_.blobs(), request.observer, ProcessObserver::Stream::kStdout);
    OutputSink err(store_.blobs(), request.observer, ProcessObserver::Stream::kStderr);
    FamilyEnclosure enclosure(os::SpawnRequest{.executable = command.executable,
                                               .argv = command.argv,
                                               .env = command.env,
                                               .working_directory_fd = directory.get(),
                                               .limits = &limits_},
                              *families_,
                              {.tag = next_tag(), .slot = request.slot, .sandbox = sandbox.path()});
    auto supervised = supervise(enclosure, Supervision{.stdout_sink = out,
                                                       .stderr_sink = err,
                                                       .timeout = process.timeout,
                                                       .grace = options_.grace,
                                                       .patience = options_.patience,
                                                       .stop = request.stop});
    if (!supervised.ok()) {
      sandbox.retire();  // nobody looked whether all are gone
      return supervised.error();
    }
    const Ended& ended = *supervised;
    descendants_killed_.add(static_cast<int64_t>(ended.descendants_killed));
    if (!ended.all_gone) retire(sandbox, process);
    if (ended.cancelled) return process_cancelled();
    ran_.add();
    if (ended.timed_out) timed_out_.add();
    return collect_result(sandbox.fd(), request, ended, out, err, store_);
  }

  void retire(SandboxDirectory& sandbox, const Process& process) {
    sandbox.retire();
    not_ended_.add();
    log_.warn("processes of '" + printable(process.description) + "' may be alive in " +
              sandbox.path() +
              ": they were killed and do not end, or belong to another user. The sandbox is not "
              "used again");
  }

  // Leaves the sandbox as the process left it, and says where.
  void keep(SandboxDirectory& sandbox, const Command& command, const RunRequest& request,
            Result<RunResult>& result) {
    const auto complete = [&]() -> Result<void> {
      if (result.ok()) {
        KILN_ASSIGN(const store::TreePtr outputs,
                    store_.trees().load(result->result.output_digest));
        KILN_TRY(restore_files(sandbox.fd(), request.process.working_directory, *outputs,
                               store_.files(), request.stop));
      }
      return write_run_script(
          sandbox.fd(), run_script(sandbox.path(), request.process, command.argv, command.env));
    }();
    if (!complete.ok()) {
      log_.warn("the kept sandbox " + sandbox.path() +
                " is not complete: " + complete.error().to_string());
    }
    sandbox.keep();
    if (result.ok()) {
      result->kept_sandbox = sandbox.path();
    } else {
      result = result.error().with_context("the sandbox was kept: " + sandbox.path());
    }
  }

  os::ProcessTag next_tag() {
    return daemon_tag(options_.instance) | (sequence_.fetch_add(1) % kFirstInteractiveTag);
  }

  const SandboxOptions options_;
  store::Store& store_;
  Executor& executor_;
  Log& log_;
  Counter& ran_;
  Counter& timed_out_;
  Counter& cancelled_;
  Counter& descendants_killed_;
  Counter& not_ended_;
  std::atomic<uint32_t> sequence_ = 0;
  const os::ProcessLimits limits_;
  const std::unique_ptr<SandboxPool> sandboxes_;
  const std::unique_ptr<Families> families_;
  ProcessThreads threads_;  // last: they use the rest
};

}  // namespace

os::ProcessTag daemon_tag(uint32_t instance) { return kMagic | os::ProcessTag{instance} << 16; }

Result<std::unique_ptr<SandboxedRunner>> make_sandbox_runner(SandboxOptions options,
                                                             store::Store& store,
                                                             Executor& executor, Counters& counters,
                                                             Log& log) {
  KILN_ASSIGN(auto families, Families::make());
  const os::Killed killed =
      os::kill_tagged_matching(kDaemonMask, daemon_tag(options.instance),
                               std::chrono::steady_clock::now() + options.patience);
  if (killed.count > 0) {
    log.warn("killed " + std::to_string(killed.count) +
             " processes that an earlier daemon had left");
  }
  if (!killed.complete) {
    log.warn("processes that an earlier daemon had left were killed and do not end");
  }
  KILN_ASSIGN(auto sandboxes, SandboxPool::open(options.directory, counters, log));
  return std::unique_ptr<SandboxedRunner>(
      std::make_unique<SandboxRunner>(std::move(options), std::move(sandboxes), std::move(families),
                                      store, executor, counters, log));
}

}  // namespace kiln::exec
