#include <unistd.h>

#include <atomic>
#include <utility>

#include "daemon/exec/capture.h"
#include "daemon/exec/chroot.h"
#include "daemon/exec/families.h"
#include "daemon/exec/materialize.h"
#include "daemon/exec/process_threads.h"
#include "daemon/exec/run_script.h"
#include "daemon/exec/runners.h"
#include "daemon/exec/sandbox_pool.h"
#include "daemon/exec/supervise.h"

namespace kiln::exec {
namespace {

Error cancelled() {
  return user_error(ErrorCode::kCancelled, "the process was cancelled: nobody waits for it");
}

constexpr os::ProcessTag kMagic = os::ProcessTag{0x6b1c} << 48;
constexpr os::ProcessTag kDaemonMask = ~os::ProcessTag{0xffff};
constexpr int kTimedOutCode = 124;

// Strings that would arrive as something else, or that a REAPI Command cannot hold.
Result<void> check_strings(const Process& process) {
  const auto is_text = [](const std::string& text) {
    return is_valid_utf8(text) && text.find('\0') == std::string::npos;
  };
  for (const std::string& argument : process.argv) {
    if (is_text(argument)) continue;
    return user_error(ErrorCode::kInvalidArgument,
                      "the argument '" + printable(argument) +
                          "' cannot be passed on: it has a NUL byte or is not valid UTF-8");
  }
  for (const auto& [name, value] : process.env) {
    if (!name.empty() && name.find('=') == std::string::npos && is_text(name) && is_text(value)) {
      continue;
    }
    return user_error(ErrorCode::kInvalidArgument,
                      "the environment variable '" + printable(name) +
                          "' is not valid: a name is not empty and has no '=', and neither name "
                          "nor value has a NUL byte or bytes that are not UTF-8");
  }
  return {};
}

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
    co_return co_await run_blocking(threads_, executor_, [&] { return run_here(request); });
  }

  SlotId slot_of(pid_t caller) override { return families_->slot_of(caller); }

 private:
  // A process as it is handed to the kernel.
  struct Command {
    std::vector<std::string> argv;
    std::vector<std::string> env;
    std::string executable;
  };

  static Command command_in(const std::string& sandbox_path, const RunRequest& request) {
    Command command;
    for (const std::string& argument : request.process.argv) {
      command.argv.push_back(with_chroot(argument, sandbox_path));
    }
    for (const auto& [name, value] : request.process.env) {
      command.env.push_back(name + "=" + with_chroot(value, sandbox_path));
    }
    command.executable = with_chroot(request.tool.path, sandbox_path);
    return command;
  }

  Result<RunResult> run_here(const RunRequest& request) {
    if (request.stop.stop_requested()) return cancelled();
    if (request.process.sandbox != SandboxLevel::kPlain) {
      return user_error(ErrorCode::kUnsupported,
                        "this runner enforces the sandbox level plain only, not strict");
    }
    KILN_TRY(check_strings(request.process));
    KILN_ASSIGN(SandboxDirectory sandbox, sandboxes_->take(request.keep != KeepSandboxes::kNever));
    const Command command = command_in(sandbox.path(), request);
    auto result = run_in(sandbox, command, request);
    const bool was_cancelled = !result.ok() && result.error().code() == ErrorCode::kCancelled;
    if (was_cancelled) {
      cancelled_.add();
      sandbox.empty_aside();
    }
    if (was_cancelled || !is_kept(request.keep, result)) return result;
    keep(sandbox, command, request, result);
    return result;
  }

  static bool is_kept(KeepSandboxes wish, const Result<RunResult>& result) {
    const bool failed = !result.ok() || result->result.exit_code != 0 || result->timed_out;
    switch (wish) {
      case KeepSandboxes::kNever:
        return false;
      case KeepSandboxes::kOnFailure:
        return failed;
      case KeepSandboxes::kOnFailureOrMissingOutput:
        return failed || !result->result.missing_outputs.empty();
      case KeepSandboxes::kAlways:
        return true;
    }
    return false;
  }

  Result<RunResult> run_in(SandboxDirectory& sandbox, const Command& command,
                           const RunRequest& request) {
    const Process& process = request.process;
    KILN_ASSIGN(const UniqueFd directory,
                make_inputs(sandbox.fd(), process, store_.files(), request.stop));
    if (request.observer != nullptr) request.observer->started(sandbox.path());
    OutputSink out(store_.blobs(), request.observer, ProcessObserver::Stream::kStdout);
    OutputSink err(store_.blobs(), request.observer, ProcessObserver::Stream::kStderr);
    auto supervised = supervise(
        os::SpawnRequest{.executable = command.executable,
                         .argv = command.argv,
                         .env = command.env,
                         .working_directory_fd = directory.get(),
                         .limits = &limits_},
        Supervision{
            .stdout_sink = out,
            .stderr_sink = err,
            .timeout = process.timeout,
            .grace = options_.grace,
            .patience = options_.patience,
            .stop = request.stop,
            .families = *families_,
            .family = {.tag = next_tag(), .slot = request.slot, .sandbox = sandbox.path()}});
    if (!supervised.ok()) {
      sandbox.retire();  // nobody looked whether all are gone
      return supervised.error();
    }
    const Ended& ended = *supervised;
    descendants_killed_.add(static_cast<int64_t>(ended.descendants_killed));
    if (!ended.all_gone) retire(sandbox, process);
    if (ended.cancelled) return cancelled();
    ran_.add();
    if (ended.timed_out) timed_out_.add();
    return result_of(sandbox, request, ended, out, err);
  }

  void retire(SandboxDirectory& sandbox, const Process& process) {
    sandbox.retire();
    not_ended_.add();
    log_.warn("processes of '" + printable(process.description) + "' may be alive in " +
              sandbox.path() +
              ": they were killed and do not end, or belong to another user. The sandbox is not "
              "used again");
  }

  Result<RunResult> result_of(const SandboxDirectory& sandbox, const RunRequest& request,
                              const Ended& ended, OutputSink& out, OutputSink& err) {
    const Process& process = request.process;
    RunResult run;
    run.timed_out = ended.timed_out;
    store::ActionResult& result = run.result;
    // Whatever code it found for its end: it did not come to one by itself. timeout(1)'s code.
    result.exit_code = ended.timed_out ? kTimedOutCode : ended.status.exit_code;
    result.wall_seconds = std::chrono::duration<double>(ended.wall).count();
    result.user_seconds = ended.status.user_seconds;
    result.system_seconds = ended.status.system_seconds;
    result.peak_memory_bytes = ended.status.peak_memory_bytes;
    KILN_ASSIGN(result.stdout_digest, out.finish());
    KILN_ASSIGN(result.stderr_digest, err.finish());
    if (ended.timed_out) return run;  // what it left is in no known state
    KILN_ASSIGN(const Capture capture,
                capture_outputs(sandbox.fd(), process, store_.files(), request.stop));
    KILN_TRY(store_.trees().save(capture.tree));
    result.output_digest = capture.tree->digest();
    for (const MissingOutput& output : capture.missing) {
      result.missing_outputs.push_back(output.path.str());
      run.missing_notes.push_back(output.path.str() + " " + output.why);
    }
    return run;
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
