// The client's half of Processes.RunInteractive: starts the process where the daemon says, and
// reports how it ended.
#include "client/commands/exec_interactive.h"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>

#include "client/foreground.h"
#include "common/ipc/wire_error.h"

extern char** environ;

namespace kiln {

namespace {

std::vector<std::string> environment_of(const v1::RunInteractiveResponse::Start& start) {
  std::map<std::string, std::string> variables;
  if (start.inherit_env()) {
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string text = *variable;
      const size_t equals = text.find('=');
      if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : start.env()) variables[name] = value;
  std::vector<std::string> env;
  for (const auto& [name, value] : variables) env.push_back(name + "=" + value);
  return env;
}

// The requests of the call: `begin`, then what becomes of the process.
class Interaction final : public RequestSource {
 public:
  Interaction(v1::RunInteractiveRequest begin, Interrupt& interrupt) : interrupt_(interrupt) {
    unsent_.push_back(std::move(begin));
  }

  Result<Pull> pull(std::string& message) override {
    if (unsent_.empty() && process_ != nullptr) {
      if (const auto code = process_->look()) end(*code);
    }
    if (!unsent_.empty()) {
      message = unsent_.front().SerializeAsString();
      unsent_.pop_front();
      return Pull::kMessage;
    }
    return exit_code_ || failure_ ? Pull::kEnd : Pull::kNotYet;
  }
  int wait_fd() const override { return process_ == nullptr ? -1 : process_->event_fd(); }

  Result<void> take(std::string_view bytes) {
    v1::RunInteractiveResponse response;
    KILN_TRY(parse_message(bytes, response));
    // The process has ended on its own while the daemon asked to start it again.
    if (!response.has_start() || exit_code_ || failure_) return {};
    if (process_ != nullptr) process_->terminate();
    process_ = nullptr;
    start(response.start());
    return {};
  }

  // Valid once the call is over.
  Result<int> outcome() const {
    if (failure_) return *failure_;
    if (!exit_code_) return internal_error("the daemon ended the call before the process ended");
    return *exit_code_ < 0 ? 128 - *exit_code_ : *exit_code_;
  }
  bool ended() const { return exit_code_ || failure_; }

  // After a call that failed: what becomes of a process that still runs. One whose daemon is gone
  // goes on, as its user sees it; a client that is told to end takes it along.
  void finish(const Error& error) {
    if (process_ == nullptr) return;
    if (error.code() == ErrorCode::kUnavailable) {
      std::array<pollfd, 2> fds = {pollfd{process_->event_fd(), POLLIN, 0},
                                   pollfd{interrupt_.fd(), POLLIN, 0}};
      while (process_ != nullptr && !interrupt_.take()) {
        ::poll(fds.data(), fds.size(), -1);
        if (const auto code = process_->look()) end(*code);
      }
    }
    if (process_ != nullptr) process_->terminate();
    process_ = nullptr;
  }

 private:
  void start(const v1::RunInteractiveResponse::Start& start) {
    // As for processes in sandboxes; the client does not make files while the process runs.
    ::umask(022);
    auto process = ForegroundProcess::start({{start.argv().begin(), start.argv().end()},
                                             environment_of(start),
                                             start.directory(),
                                             start.tag()},
                                            interrupt_);
    if (!process.ok()) {
      failure_ = process.error();
      to_wire(*failure_, *unsent_.emplace_back().mutable_ended()->mutable_error());
      return;
    }
    process_ = *std::move(process);
    unsent_.emplace_back().mutable_started();
  }

  void end(int exit_code) {
    process_ = nullptr;
    exit_code_ = exit_code;
    unsent_.emplace_back().mutable_ended()->set_exit_code(exit_code);
  }

  Interrupt& interrupt_;
  std::deque<v1::RunInteractiveRequest> unsent_;
  std::unique_ptr<ForegroundProcess> process_;
  std::optional<int> exit_code_;
  std::optional<Error> failure_;  // it could not be started
};

bool gives_path(const ExecOptions& options) {
  return std::any_of(options.env.begin(), options.env.end(), [](const std::string& variable) {
    return variable == "PATH" || variable.starts_with("PATH=");
  });
}

Error contradiction(const std::string& option) {
  return user_error(ErrorCode::kInvalidArgument,
                    "exec: " + option +
                        " and --interactive exclude each other: an interactive "
                        "process runs in this terminal, and nothing of it is kept");
}

Result<void> check(const Invocation& invocation, const ExecOptions& options) {
  if (options.batch) return contradiction("--batch");
  if (!options.output_file.empty()) return contradiction("--output-file");
  if (!options.output_dir.empty()) return contradiction("--output-dir");
  if (!options.cache_dir.empty()) return contradiction("--cache-dir");
  if (options.slot_variable) return contradiction("--slot-variable");
  if (options.write.given) return contradiction("--write");
  if (options.timeout) return contradiction("--timeout");
  if (options.cache.given) return contradiction("--cache");
  if (options.keep_sandboxes.given) return contradiction("--keep-sandboxes");
  if (options.require_outputs) return contradiction("--require-outputs");
  if (options.verify_twice) return contradiction("--verify-twice");
  if (invocation.globals().json()) return contradiction("--json");
  if (invocation.globals().profile()) return contradiction("--profile");
  return {};
}

Result<int> interact(Session& session, v1::RunInteractiveRequest request) {
  Interaction interaction(std::move(request), session.interrupt());
  const auto done =
      session.bidirectional("/kiln.v1.Processes/RunInteractive", interaction,
                            [&](std::string_view bytes) { return interaction.take(bytes); });
  if (!done.ok()) interaction.finish(done.error());
  // A process that has ended has its exit code, whatever became of the daemon meanwhile.
  if (!done.ok() && !interaction.ended()) return done.error();
  return interaction.outcome();
}

}  // namespace

Result<int> execute_interactive(Invocation& invocation, const ExecOptions& options) {
  KILN_TRY(check(invocation, options));
  v1::RunInteractiveRequest request;
  v1::RunInteractiveRequest::Begin& begin = *request.mutable_begin();
  const bool in_workspace = options.needs_workspace();
  KILN_ASSIGN(const SpecResolver paths,
              in_workspace ? invocation.paths() : invocation.paths_anywhere());
  KILN_ASSIGN(v1::ExecuteRequest execute,
              make_execute_request(options, process_environment(), paths));
  KILN_TRY(invocation.fill_anywhere(*begin.mutable_caller()));
  v1::InteractiveProcess& process = *begin.mutable_process();
  process.mutable_process()->Swap(execute.mutable_process());
  // What the terminal can do belongs to the terminal, not to the caller's environment.
  auto& env = *process.mutable_process()->mutable_env();
  if (const char* type = ::getenv("TERM"); type != nullptr) env.insert({"TERM", type});
  if (options.inherit_env && !gives_path(options)) env.erase("PATH");  // the default of exec
  process.set_run_in_workspace(options.in_workspace);
  process.set_inherit_env(options.inherit_env);
  process.set_restartable(options.restartable);
  KILN_ASSIGN(Session * session, invocation.session());
  return interact(*session, std::move(request));
}

Result<void> run_offered_process(Invocation& invocation, uint64_t offer) {
  v1::RunInteractiveRequest request;
  KILN_TRY(invocation.fill(*request.mutable_begin()->mutable_caller()));
  request.mutable_begin()->set_offer(offer);
  // The goal's own connection is busy with its call.
  KILN_ASSIGN(DaemonPaths paths, daemon_paths(process_environment()));
  Session session(std::move(paths), invocation.console(), invocation.interrupt());
  const Result<int> ended = interact(session, std::move(request));
  // How the process ended is for the goal; so is why it did not start, or was not wanted any more.
  if (!ended.ok() && invocation.interrupt().signal() != 0) return ended.error();
  return {};
}

}  // namespace kiln
