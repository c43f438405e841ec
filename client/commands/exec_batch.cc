#include "client/commands/exec_batch.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/batch.h"
#include "client/input_file.h"
#include "client/profile.h"
#include "client/running_work.h"

namespace kiln {

namespace {

constexpr int kTickMilliseconds = 100;

void show(const RunningWork& running, Console& console) {
  if (const auto line = running.line(RunningWork::Clock::now())) {
    console.show_status(*line);
  } else {
    console.clear_status();
  }
}

}  // namespace

Result<int> execute_batch(Invocation& invocation, const ExecOptions& options,
                          const CallerOptions& caller) {
  const std::string& file = *options.batch;
  const std::string name = file == "-" ? "standard input" : file;
  if (options.describes_process()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "exec: --batch takes commands and their options from " + name +
                          ", not from the command line");
  }
  UniqueFd input;
  if (file == "-") {
    input.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  } else {
    KILN_ASSIGN(input, open_input_file(file).with_context("as the file of exec --batch"));
  }
  v1::ExecuteBatchRequest first;
  KILN_TRY(invocation.fill(*first.mutable_caller()));
  KILN_TRY(caller.fill_global(*first.mutable_caller()));
  first.set_keep_sandboxes(options.keep_sandboxes.value);
  first.set_write_outputs(options.write);

  Console& console = invocation.console();
  if (console.live()) first.set_events(v1::Event::INFO);
  std::optional<ProfileWriter> profile;
  if (const auto& path = invocation.globals().profile()) {
    KILN_ASSIGN(profile, ProfileWriter::open(*path));
    first.set_events(v1::Event::TRACE);
  }
  RunningWork running;
  Batch batch(
      std::move(input), name, std::move(first),
      [&console](std::string_view line) { return console.write_stdout(line); },
      [&console](const std::string& message) {
        console.say_error(user_error(ErrorCode::kInvalidArgument, message));
      },
      [&](const v1::Event& event) {
        running.take(event, RunningWork::Clock::now());
        if (profile) profile->add(event);
      });
  KILN_ASSIGN(Session * session, invocation.session());
  if (console.live()) {
    session->set_ticker([&] { show(running, console); }, kTickMilliseconds);
  }
  const auto done =
      session->bidirectional("/kiln.v1.Processes/ExecuteBatch", batch,
                             [&batch](std::string_view bytes) { return batch.take(bytes); });
  session->set_ticker(nullptr, -1);
  console.clear_status();
  const auto profiled = profile ? profile->finish() : Result<void>();
  if (!done.ok()) return done.error();
  if (!profiled.ok()) return profiled.error();
  if (batch.in_flight() != 0) {
    return internal_error("the daemon left " + std::to_string(batch.in_flight()) +
                          " requests without a result");
  }
  return batch.tally().exit_code();
}

}  // namespace kiln
