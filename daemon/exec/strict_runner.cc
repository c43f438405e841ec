#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <utility>

#include "common/base/file.h"
#include "daemon/confine/slots.h"
#include "daemon/exec/capture.h"
#include "daemon/exec/command.h"
#include "daemon/exec/lent_paths.h"
#include "daemon/exec/materialize.h"
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
  void signal_all(int signal) override { (void)slot_.signal_all(signal); }
  Result<size_t> end() override { return slot_.settle(); }

 private:
  confine::Slot& slot_;
  confine::Command command_;
};

Error cancelled() {
  return user_error(ErrorCode::kCancelled, "the process was cancelled: nobody waits for it");
}

confine::Command confined(const Command& command, const RelPath& working_directory) {
  std::string directory(confine::kSandboxPath);
  if (!working_directory.str().empty()) directory += "/" + working_directory.str();
  return {.executable = command.executable,
          .argv = command.argv,
          .env = command.env,
          .working_directory = std::move(directory)};
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
        threads_("kiln-strict", options_.threads) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    co_return co_await run_blocking(threads_, executor_, [&] { return run_here(request); });
  }

 private:
  Result<RunResult> run_here(const RunRequest& request) {
    if (request.stop.stop_requested()) return cancelled();
    KILN_TRY(check_strings(request.process));
    confine::View view{.network = request.process.network, .host_paths = {}};
    if (request.tool.path.starts_with('/')) view.host_paths = lent_paths_of(request.tool.path);
    KILN_ASSIGN(confine::Slot slot, slots_.take(view));
    const Command command =
        command_in(std::string(confine::kSandboxPath), request.process, request.tool);
    auto result = run_in(slot, command, request);
    const bool failed = !result.ok() || result->result.exit_code != 0 || result->timed_out;
    const bool was_cancelled = !result.ok() && result.error().code() == ErrorCode::kCancelled;
    if (was_cancelled || request.keep == KeepSandboxes::kNever ||
        (request.keep == KeepSandboxes::kOnFailure && !failed)) {
      return result;
    }
    return keep(slot, request, std::move(result));
  }

  Result<RunResult> run_in(confine::Slot& slot, const Command& command, const RunRequest& request) {
    const Process& process = request.process;
    KILN_TRY(make_inputs(slot.sandbox_fd(), process, store_.files()));
    if (request.observer != nullptr) {
      request.observer->started(std::string(confine::kSandboxPath));
    }
    OutputSink out(store_.blobs(), request.observer, ProcessObserver::Stream::kStdout);
    OutputSink err(store_.blobs(), request.observer, ProcessObserver::Stream::kStderr);
    SlotEnclosure enclosure(slot, confined(command, process.working_directory));
    KILN_ASSIGN(const Ended ended, supervise(enclosure, Supervision{.stdout_sink = out,
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
    return collect_result(slot.sandbox_fd(), process, ended, out, err, store_);
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
    KILN_ASSIGN(const Capture left, capture_outputs(slot.sandbox_fd(), all, store_.files()));
    Process copy;
    copy.inputs = left.tree;
    KILN_TRY(make_inputs(directory.get(), copy, store_.files()));
    const RelPath& working_directory = request.process.working_directory;
    if (result.ok()) {
      // The first capture may have taken the outputs away.
      KILN_ASSIGN(const store::TreePtr outputs, store_.trees().load(result->result.output_digest));
      KILN_TRY(restore_files(directory.get(), working_directory, *outputs, store_.files()));
    }
    // The script runs it there, without what strict adds.
    const Command command = command_in(path, request.process, request.tool);
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
  std::atomic<uint64_t> next_kept_ = 1;
  ThreadPool threads_;  // last: they use the rest
};

}  // namespace

std::unique_ptr<ProcessRunner> make_strict_runner(SandboxOptions options, confine::Slots& slots,
                                                  store::Store& store, Executor& executor,
                                                  Counters& counters, Log& log) {
  return std::make_unique<StrictRunner>(std::move(options), slots, store, executor, counters, log);
}

}  // namespace kiln::exec
