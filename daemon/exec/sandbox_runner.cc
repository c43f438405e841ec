#include <unistd.h>

#include <atomic>
#include <utility>

#include "daemon/exec/command.h"
#include "daemon/exec/materialize.h"
#include "daemon/exec/result_of.h"
#include "daemon/exec/run_script.h"
#include "daemon/exec/runners.h"
#include "daemon/exec/sandbox_pool.h"
#include "daemon/exec/supervise.h"

namespace kiln::exec {
namespace {

Error cancelled() {
  return user_error(ErrorCode::kCancelled, "the process was cancelled: nobody waits for it");
}

// Every process of a daemon carries a tag: 16 bits that say kiln, 32 that say which daemon, 16 that
// count processes. Numbers come round, but not while a process of that number is alive.
constexpr os::ProcessTag kMagic = os::ProcessTag{0x6b1c} << 48;
constexpr os::ProcessTag kDaemonMask = ~os::ProcessTag{0xffff};
os::ProcessTag daemon_tag(uint32_t instance) { return kMagic | os::ProcessTag{instance} << 16; }

class SandboxRunner final : public ProcessRunner {
 public:
  SandboxRunner(SandboxOptions options, std::unique_ptr<SandboxPool> sandboxes, store::Store& store,
                Executor& executor, Counters& counters, Log& log)
      : options_(std::move(options)),
        store_(store),
        executor_(executor),
        log_(log),
        ran_(counters["process.ran"]),
        timed_out_(counters["process.timed_out"]),
        cancelled_(counters["process.cancelled"]),
        descendants_killed_(counters["process.descendants_killed"]),
        sandboxes_(std::move(sandboxes)),
        threads_("kiln-process", options_.threads) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    co_return co_await run_blocking(threads_, executor_, [&] { return run_here(request); });
  }

 private:
  Result<RunResult> run_here(const RunRequest& request) {
    if (request.stop.stop_requested()) return cancelled();
    if (request.process.sandbox != SandboxLevel::kPlain) {
      return user_error(ErrorCode::kUnsupported,
                        "this runner enforces the sandbox level plain only, not strict");
    }
    KILN_TRY(check_strings(request.process));
    KILN_ASSIGN(SandboxDirectory sandbox, sandboxes_->take(request.keep != KeepSandboxes::kNever));
    const Command command = command_in(sandbox.path(), request.process, request.tool);
    auto result = run_in(sandbox, command, request);
    const bool failed = !result.ok() || result->result.exit_code != 0 || result->timed_out;
    const bool was_cancelled = !result.ok() && result.error().code() == ErrorCode::kCancelled;
    if (was_cancelled || request.keep == KeepSandboxes::kNever ||
        (request.keep == KeepSandboxes::kOnFailure && !failed)) {
      return result;
    }
    keep(sandbox, command, request, result);
    return result;
  }

  Result<RunResult> run_in(const SandboxDirectory& sandbox, const Command& command,
                           const RunRequest& request) {
    const Process& process = request.process;
    KILN_ASSIGN(const UniqueFd directory, make_inputs(sandbox.fd(), process, store_.files()));
    if (request.observer != nullptr) request.observer->started(sandbox.path());
    OutputSink out(store_.blobs(), request.observer, ProcessObserver::Stream::kStdout);
    OutputSink err(store_.blobs(), request.observer, ProcessObserver::Stream::kStderr);
    KILN_ASSIGN(const Ended ended,
                supervise(os::SpawnRequest{.executable = command.executable,
                                           .argv = command.argv,
                                           .env = command.env,
                                           .working_directory_fd = directory.get(),
                                           .stdout_fd = -1,
                                           .stderr_fd = -1,
                                           .tag = next_tag()},
                          Supervision{.stdout_sink = out,
                                      .stderr_sink = err,
                                      .timeout = process.timeout,
                                      .grace = options_.grace,
                                      .stop = request.stop}));
    descendants_killed_.add(static_cast<int64_t>(ended.descendants_killed));
    if (ended.cancelled) {
      cancelled_.add();
      return cancelled();
    }
    ran_.add();
    if (ended.timed_out) timed_out_.add();
    return collect_result(sandbox.fd(), process, ended, out, err, store_);
  }

  // Leaves the sandbox as the process left it, and says where.
  void keep(SandboxDirectory& sandbox, const Command& command, const RunRequest& request,
            Result<RunResult>& result) {
    const auto complete = [&]() -> Result<void> {
      if (result.ok()) {
        KILN_ASSIGN(const store::TreePtr outputs,
                    store_.trees().load(result->result.output_digest));
        KILN_TRY(restore_files(sandbox.fd(), request.process.working_directory, *outputs,
                               store_.files()));
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
    return daemon_tag(options_.instance) | (sequence_.fetch_add(1) & 0xffff);
  }

  const SandboxOptions options_;
  store::Store& store_;
  Executor& executor_;
  Log& log_;
  Counter& ran_;
  Counter& timed_out_;
  Counter& cancelled_;
  Counter& descendants_killed_;
  std::atomic<uint32_t> sequence_ = 0;
  const std::unique_ptr<SandboxPool> sandboxes_;
  ThreadPool threads_;  // last: they use the rest
};

}  // namespace

Result<std::unique_ptr<ProcessRunner>> make_sandbox_runner(SandboxOptions options,
                                                           store::Store& store, Executor& executor,
                                                           Counters& counters, Log& log) {
  KILN_TRY(os::become_subreaper());
  const size_t killed = os::kill_tagged_matching(kDaemonMask, daemon_tag(options.instance));
  if (killed > 0) {
    log.warn("killed " + std::to_string(killed) + " processes that an earlier daemon had left");
  }
  KILN_ASSIGN(auto sandboxes, SandboxPool::open(options.directory, counters, log));
  return std::unique_ptr<ProcessRunner>(std::make_unique<SandboxRunner>(
      std::move(options), std::move(sandboxes), store, executor, counters, log));
}

}  // namespace kiln::exec
