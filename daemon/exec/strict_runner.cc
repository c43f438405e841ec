#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "common/base/file.h"
#include "daemon/confine/slots.h"
#include "daemon/exec/append_only_caches.h"
#include "daemon/exec/capture.h"
#include "daemon/exec/command.h"
#include "daemon/exec/lent_paths.h"
#include "daemon/exec/materialize.h"
#include "daemon/exec/process_threads.h"
#include "daemon/exec/result_of.h"
#include "daemon/exec/run_script.h"
#include "daemon/exec/runners.h"
#include "daemon/exec/supervise.h"

namespace kiln::exec {
namespace {

// The pid namespace of a slot keeps a process and its descendants together.
class SlotEnclosure final : public Enclosure {
 public:
  SlotEnclosure(confine::Slot& slot, confine::Command command)
      : slot_(slot), command_(std::move(command)) {}

  Result<os::Child> start(int stdout_fd, int stderr_fd) override {
    command_.stdout_fd = stdout_fd;
    command_.stderr_fd = stderr_fd;
    return slot_.start(command_);
  }
  // A signal that cannot be sent is followed by SIGKILL, which end() makes sure of.
  void terminate(const os::Child&) override { (void)slot_.signal_all(SIGTERM); }

  Result<Settled> end(os::Child leader, Deadline deadline) override {
    os::signal_family(leader, SIGKILL);
    KILN_ASSIGN(auto status, os::reap_until(leader, std::chrono::steady_clock::now() + kReaping));
    if (!status) {
      slot_.kill();  // a tracer in the slot, too
      KILN_ASSIGN(status, os::reap_until(leader, deadline));
    }
    if (!status) return Settled{.status = std::nullopt, .killed = 0, .complete = false};
    KILN_ASSIGN(const os::Killed killed, slot_.settle(deadline));
    return Settled{.status = status, .killed = killed.count, .complete = killed.complete};
  }

 private:
  // What has ended is reaped at once, unless another process traces it.
  static constexpr std::chrono::milliseconds kReaping{20};

  confine::Slot& slot_;
  confine::Command command_;
};

confine::Command confined(const Command& command, const RelPath& working_directory,
                          const os::ProcessLimits& limits) {
  std::string directory(confine::kSandboxPath);
  if (!working_directory.str().empty()) directory += "/" + working_directory.str();
  return {.executable = command.executable,
          .argv = command.argv,
          .env = command.env,
          .working_directory = std::move(directory),
          .limits = &limits};
}

class StrictRunner final : public ProcessRunner {
 public:
  StrictRunner(SandboxOptions options, confine::Slots& slots, store::Store& store,
               Executor& executor, Counters& counters, Log& log)
      : options_(std::move(options)),
        slots_(slots),
        store_(store),
        executor_(executor),
        log_(log),
        ran_(counters["process.ran"]),
        timed_out_(counters["process.timed_out"]),
        cancelled_(counters["process.cancelled"]),
        descendants_killed_(counters["process.descendants_killed"]),
        not_ended_(counters["process.not_ended"]),
        limits_(os::plain_limits()),
        threads_("kiln-strict", options_.threads) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    co_return co_await run_blocking(threads_, executor_, [&] { return run_here(request); });
  }

 private:
  Result<RunResult> run_here(const RunRequest& request) {
    if (request.stop.stop_requested()) return process_cancelled();
    KILN_TRY(check_strings(request.process));
    confine::View view{.network = request.process.network, .host_paths = {}, .caches = {}};
    view.host_paths = lent_paths_of(request.tool, request.process.host_paths);
    KILN_TRY(make_caches(options_.caches, request.process));
    for (const auto& [name, path] : request.process.append_only_caches) {
      view.caches.push_back({name, options_.caches + "/" + name});
    }
    KILN_ASSIGN(confine::Slot slot, slots_.take(view));
    const Command command = command_in(std::string(confine::kSandboxPath), request);
    auto result = run_in(slot, command, request);
    const bool was_cancelled = !result.ok() && result.error().code() == ErrorCode::kCancelled;
    if (was_cancelled) cancelled_.add();
    if (was_cancelled || !is_kept(request.keep, result)) return result;
    return keep(slot, request, std::move(result));
  }

  Result<RunResult> run_in(confine::Slot& slot, const Command& command, const RunRequest& request) {
    const Process& process = request.process;
    KILN_TRY(make_inputs(slot.sandbox_fd(), process, store_.files(), request.stop));
    KILN_TRY(link_caches(slot.sandbox_fd(), process, confine::kCachesPath));
    if (request.observer != nullptr) {
      request.observer->started(std::string(confine::kSandboxPath));
    }
    OutputSink out(store_.blobs(), request.observer, ProcessObserver::Stream::kStdout);
    OutputSink err(store_.blobs(), request.observer, ProcessObserver::Stream::kStderr);
    SlotEnclosure enclosure(slot, confined(command, process.working_directory, limits_));
    KILN_ASSIGN(const Ended ended, supervise(enclosure, Supervision{.stdout_sink = out,
                                                                    .stderr_sink = err,
                                                                    .timeout = process.timeout,
                                                                    .grace = options_.grace,
                                                                    .patience = options_.patience,
                                                                    .stop = request.stop}));
    descendants_killed_.add(static_cast<int64_t>(ended.descendants_killed));
    if (!ended.all_gone) give_up(process);
    if (ended.cancelled) return process_cancelled();
    ran_.add();
    if (ended.timed_out) timed_out_.add();
    return collect_result(slot.sandbox_fd(), request, ended, out, err, store_);
  }

  void give_up(const Process& process) {
    not_ended_.add();
    log_.warn("processes of '" + printable(process.description) +
              "' may be alive in a strict sandbox: they were killed and do not end. It is not used "
              "again");
  }

  // Copies the sandbox to disk, where a person can look at it.
  Result<RunResult> keep(const confine::Slot& slot, const RunRequest& request,
                         Result<RunResult> result) {
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    const std::string path = options_.directory + "/keep-strict-" + std::to_string(now / 1000) +
                             "-" + std::to_string(next_kept_.fetch_add(1));
    if (const auto copied = copy_out(slot, path, request, result); !copied.ok()) {
      log_.warn("the kept sandbox " + path + " is not complete: " + copied.error().to_string());
    }
    if (!result.ok()) return result.error().with_context("the sandbox was kept: " + path);
    result->kept_sandbox = path;
    return result;
  }

  Result<void> copy_out(const confine::Slot& slot, const std::string& path,
                        const RunRequest& request, const Result<RunResult>& result) {
    if (::mkdir(path.c_str(), 0700) != 0) return os_error(errno, "make the directory " + path);
    KILN_ASSIGN(const UniqueFd directory, open_file(path, O_RDONLY | O_DIRECTORY));
    Process all;
    all.output_directories = {RelPath()};
    KILN_ASSIGN(const Capture left,
                capture_outputs(slot.sandbox_fd(), all, store_.files(), request.stop));
    Process copy;
    copy.inputs = left.tree;
    KILN_TRY(make_inputs(directory.get(), copy, store_.files(), request.stop));
    const RelPath& working_directory = request.process.working_directory;
    if (result.ok()) {
      // The first capture may have taken the outputs away.
      KILN_ASSIGN(const store::TreePtr outputs, store_.trees().load(result->result.output_digest));
      KILN_TRY(restore_files(directory.get(), working_directory, *outputs, store_.files(),
                             request.stop));
    }
    // The script runs it there, without what strict adds.
    const Command command = command_in(path, request);
    return write_run_script(directory.get(),
                            run_script(path, request.process, command.argv, command.env));
  }

  const SandboxOptions options_;
  confine::Slots& slots_;
  store::Store& store_;
  Executor& executor_;
  Log& log_;
  Counter& ran_;
  Counter& timed_out_;
  Counter& cancelled_;
  Counter& descendants_killed_;
  Counter& not_ended_;
  const os::ProcessLimits limits_;
  std::atomic<uint64_t> next_kept_ = 1;
  ProcessThreads threads_;  // last: they use the rest
};

}  // namespace

std::unique_ptr<ProcessRunner> make_strict_runner(SandboxOptions options, confine::Slots& slots,
                                                  store::Store& store, Executor& executor,
                                                  Counters& counters, Log& log) {
  return std::make_unique<StrictRunner>(std::move(options), slots, store, executor, counters, log);
}

}  // namespace kiln::exec
