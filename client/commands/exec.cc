// kiln exec
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/commands/exec_batch.h"
#include "client/commands/exec_explain.h"
#include "client/commands/exec_interactive.h"
#include "client/commands/exec_verify.h"
#include "client/exec_options.h"
#include "client/process_json.h"
#include "client/profile.h"
#include "client/render.h"
#include "common/types/rel_path.h"

namespace kiln {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTickMilliseconds = 100;
// What is over sooner is not worth a live line.
constexpr double kQuietSeconds = 0.3;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Follows one process: passes its output on and remembers how it ended.
class Follower {
 public:
  // `profile` may be null.
  Follower(Console& console, const v1::ExecuteRequest& request, SpecResolver paths, bool json,
           ProfileWriter* profile)
      : console_(console),
        paths_(std::move(paths)),
        description_(request.process().description()),
        keep_(request.keep_sandboxes()),
        json_(json),
        profile_(profile) {}

  Result<void> take(std::string_view message) {
    v1::ExecuteEvent event;
    KILN_TRY(parse_message(message, event));
    switch (event.event_case()) {
      case v1::ExecuteEvent::kStarted:
        sandbox_ = event.started().sandbox_path();
        return {};
      case v1::ExecuteEvent::kOutput:
        return take_output(event.output());
      case v1::ExecuteEvent::kFinished:
        result_ = std::move(*event.mutable_finished());
        return {};
      case v1::ExecuteEvent::kProgress:
        if (profile_ != nullptr) profile_->add(event.progress());
        return {};
      case v1::ExecuteEvent::EVENT_NOT_SET:
        return {};  // of a newer daemon
    }
    return {};
  }

  void tick() {
    const double seconds = seconds_since(start_);
    if (seconds < kQuietSeconds) return;
    console_.show_status(std::vector{seconds_text(seconds) + "  " + description_});
  }

  // Tells how it ended.
  Result<int> finish() {
    console_.clear_status();
    if (!result_) return internal_error("the daemon's answer has no result");
    for (const std::string& warning : result_->warnings()) console_.say_warning(warning);
    if (json_) {
      nlohmann::ordered_json json;
      add_result(*result_, stdout_, stderr_, json);
      KILN_TRY(console_.write_stdout(dumped_line(json)));
    } else {
      tell();
    }
    if (result_->timed_out()) return 124;
    return result_->exit_code() < 0 ? 128 - result_->exit_code() : result_->exit_code();
  }

 private:
  Result<void> take_output(const v1::ProcessOutput& output) {
    const bool to_stdout = output.stream() == v1::ProcessOutput::STDOUT;
    if (!json_) {
      return to_stdout ? console_.write_stdout(output.data())
                       : console_.write_stderr(output.data());
    }
    (to_stdout ? stdout_ : stderr_) += output.data();
    return {};
  }

  void tell() {
    if (!result_->missing_outputs().empty()) {
      std::string names;
      for (const std::string& path : result_->missing_outputs()) {
        names += (names.empty() ? "" : ", ") + path;
      }
      console_.say_warning("it did not make " + names);
    }
    if (!result_->missing_inputs().empty()) console_.say(missing_inputs());
    if (result_->timed_out() && !console_.tells_results()) {
      console_.say(printable(description_) + how_it_ended());
    }
    if (!result_->kept_sandbox().empty()) {
      console_.say("the sandbox is kept at " + result_->kept_sandbox() +
                   "; __run.sh in it repeats the process");
    } else if (asked_to_keep() && result_->source() != v1::ProcessResult::RAN) {
      console_.say("nothing ran, so no sandbox was kept");
    }
    if (!console_.tells_results()) return;
    console_.say_result(result_->exit_code() == 0 && !result_->timed_out(),
                        description_ + how_it_ended());
  }

  // "it asked for src/b.h, which is in the workspace and was no input: add --input src/b.h"
  std::string missing_inputs() const {
    std::string names;
    std::string options;
    for (const std::string& path : result_->missing_inputs()) {
      const std::string shown = printable(paths_.shown(path));
      names += (names.empty() ? "" : ", ") + shown;
      options += " --input " + shown;
    }
    const bool one = result_->missing_inputs_size() == 1;
    return "it asked for " + names + ", which " + (one ? "is" : "are") + " in the workspace and " +
           (one ? "was no input" : "were no inputs") + ": add" + options;
  }

  bool asked_to_keep() const {
    return keep_ == v1::KeepSandboxes::ALWAYS ||
           (keep_ == v1::KeepSandboxes::ON_FAILURE && result_->exit_code() != 0);
  }

  // " failed with exit code 3 in 0.50s", " failed with exit code 3 (memoized, saved 0.50s)"
  std::string how_it_ended() const {
    const std::string seconds = seconds_text(result_->wall_seconds());
    if (result_->timed_out()) {
      return " timed out after " + seconds +
             (result_->source() == v1::ProcessResult::RAN ? "" : " (in this run already)");
    }
    const int code = result_->exit_code();
    const std::string how = code == 0  ? ""
                            : code < 0 ? " ended by signal " + std::to_string(-code)
                                       : " failed with exit code " + std::to_string(code);
    if (result_->source() == v1::ProcessResult::RAN) return how + " in " + seconds;
    return how + " (" + std::string(source_text(result_->source())) + ", saved " + seconds + ")";
  }

  Console& console_;
  const SpecResolver paths_;
  const std::string description_;
  const v1::KeepSandboxes keep_;
  const bool json_;
  ProfileWriter* const profile_;
  const Clock::time_point start_ = Clock::now();
  std::string sandbox_;
  std::string stdout_;
  std::string stderr_;
  std::optional<v1::ProcessResult> result_;
};

Result<int> execute(Invocation& invocation, const ExecOptions& options) {
  const bool in_workspace = options.needs_workspace();
  KILN_ASSIGN(const SpecResolver paths,
              in_workspace ? invocation.paths() : invocation.paths_anywhere());
  KILN_ASSIGN(v1::ExecuteRequest request,
              make_execute_request(options, process_environment(), paths));
  KILN_TRY(invocation.fill_anywhere(*request.mutable_caller()));
  KILN_TRY(fill_options(options.option, *request.mutable_caller()));
  if (options.explain_key) return explain_key(invocation, request);
  if (options.verify_twice) return verify_twice(invocation, std::move(request));
  std::optional<ProfileWriter> profile;
  if (const auto& path = invocation.globals().profile()) {
    KILN_ASSIGN(profile, ProfileWriter::open(*path, invocation.interrupt()));
    request.set_events(v1::Event::TRACE);
  }
  KILN_ASSIGN(Session * session, invocation.session());
  Follower follower(invocation.console(), request, paths, invocation.globals().json(),
                    profile ? &*profile : nullptr);
  if (invocation.console().live()) {
    session->set_ticker([&follower] { follower.tick(); }, kTickMilliseconds);
  }
  const auto done =
      session->server_stream("/kiln.v1.Processes/Execute", request,
                             [&follower](std::string_view bytes) { return follower.take(bytes); });
  session->set_ticker(nullptr, -1);
  const auto profiled = profile ? profile->finish() : Result<void>();
  if (!done.ok()) return done.error();
  KILN_ASSIGN(const int code, follower.finish());
  if (!profiled.ok()) return profiled.error();
  return code;
}

HelpText help_text() {
  return {
      "kiln exec",
      "[OPTION]... -- COMMAND [ARGUMENT]...",
      "Run a process in a sandbox, or repeat the result of an equal one.",
      "The process sees the inputs it is given and nothing else of the workspace. The same\n"
      "process on the same inputs is not run again: its output and exit code are repeated. Its\n"
      "standard input is empty. It starts in the directory that it is called from, as that is\n"
      "in the sandbox, and paths are relative to there; //PATH is from the workspace root.\n"
      "\n"
      "With --batch each line is a JSON object with the fields of kiln.v1.Process and,\n"
      "optionally, an \"id\"; digests are \"HASH/SIZE\", and paths are from the workspace root.\n"
      "One JSON result comes per line, as each process ends. Exit code: 0 if all ended with\n"
      "0, 1 if one failed, 2 for a wrong line.\n"
      "\n"
      "With --json, `stdout` and `stderr` are all that the process wrote: a string, or, where\n"
      "that is not UTF-8, {\"base64\": \"...\"}.",
      "kiln exec --input 'src/**' --output-file app --write -- cc -o app src/main.c\n"
      "echo '{\"argv\": [\"true\"], \"id\": 1}' | kiln exec --batch -",
      {kWrongCommandLine, kProcessTimedOut, kKilnFailed, kProcessCannotRun, kProcessNotFound,
       kEndedBySignal, kThatOfProcess}};
}

}  // namespace

Result<int> run_exec(Invocation& invocation) {
  ExecOptions options;
  OptionParser parser(help_text());
  parser.positionals(options.argv, 0, 0);
  options.add_to(parser);
  add_settings_to(parser, options.option);
  KILN_ASSIGN(const bool go, invocation.parse(parser, Invocation::Events::kProfile));
  if (!go) return 0;
  if (options.batch) return execute_batch(invocation, options);
  if (options.argv.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "exec: no command\n  usage: kiln exec [OPTION]... -- COMMAND "
                      "[ARGUMENT]...");
  }
  if (options.argv.front().empty()) {
    return user_error(ErrorCode::kInvalidArgument, "exec: the command is the empty word ''");
  }
  if (options.interactive) return execute_interactive(invocation, options);
  if (options.verify_twice &&
      (options.write.given || options.cache.given || options.keep_sandboxes.given)) {
    return user_error(ErrorCode::kInvalidArgument,
                      "exec: --verify-twice writes nothing, caches nothing and decides itself "
                      "which sandboxes are kept; leave out --write, --cache and --keep-sandboxes");
  }
  if (options.in_workspace || options.inherit_env || options.restartable) {
    return user_error(ErrorCode::kInvalidArgument,
                      "exec: --in-workspace, --inherit-env and --restart need --interactive");
  }
  return execute(invocation, options);
}

}  // namespace kiln
