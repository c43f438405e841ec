#include "client/commands/exec_batch.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/batch.h"
#include "client/blob.h"
#include "client/commands/caller_options.h"
#include "client/input_file.h"
#include "client/profile.h"
#include "client/running_work.h"
#include "common/base/version.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

namespace {

constexpr int kTickMilliseconds = 100;

// Reads what processes wrote from the store, over a connection of its own: that of the batch is
// busy.
class BlobReader {
 public:
  BlobReader(Invocation& invocation, const DaemonPaths& paths)
      : session_(paths, invocation.console(), invocation.interrupt()) {}

  Result<std::string> read(const v1::Digest& file_digest) {
    return read_blob(session_, file_digest);
  }

 private:
  Session session_;
};

Result<BatchInput> open_input(const std::string& file, const std::string& name,
                              const Interrupt& interrupt) {
  if (file == "-") {
    return BatchInput{UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)), name, interrupt};
  }
  KILN_ASSIGN(UniqueFd opened,
              open_input_file(file, interrupt).with_context("as the file of exec --batch"));
  return BatchInput{std::move(opened), name, interrupt};
}

}  // namespace

Result<int> execute_batch(Invocation& invocation, const ExecOptions& options) {
  const std::string& file = *options.batch;
  const std::string name = file == "-" ? "standard input" : file;
  if (options.describes_process()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "exec: --batch takes commands and their options from " + name +
                          ", not from the command line");
  }
  KILN_ASSIGN(BatchInput input, open_input(file, name, invocation.interrupt()));
  v1::ExecuteBatchRequest first;
  if (options.needs_workspace()) KILN_TRY(invocation.workspace());
  KILN_TRY(invocation.fill_anywhere(*first.mutable_caller()));
  KILN_TRY(fill_options(options.option, *first.mutable_caller()));
  first.set_keep_sandboxes(options.keep_sandboxes.value);
  set_write_outputs(options, first);

  Console& console = invocation.console();
  if (console.live()) first.set_events(v1::Event::DEBUG);
  std::optional<ProfileWriter> profile;
  if (const auto& path = invocation.globals().profile()) {
    KILN_ASSIGN(profile, ProfileWriter::open(*path, invocation.interrupt()));
    first.set_events(v1::Event::TRACE);
  }
  KILN_ASSIGN(Session * session, invocation.session());
  RunningWork running;
  BlobReader blobs(invocation, session->paths());
  Batch batch(std::move(input), std::move(first),
              {.on_line = [&](std::string_view line) { return console.write_stdout(line); },
               .on_wrong =
                   [&](const std::string& message) {
                     console.say_error(user_error(ErrorCode::kInvalidArgument, message));
                   },
               .on_event =
                   [&](const v1::Event& event) {
                     running.take(event, RunningWork::Clock::now());
                     if (profile) profile->add(event);
                   },
               .read_blob = [&](const v1::Digest& digest) { return blobs.read(digest); }});
  if (console.live()) {
    session->set_ticker(
        [&] { console.show_status(running.lines(RunningWork::Clock::now(), console.live_rows())); },
        kTickMilliseconds);
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
  if (console.tells_summaries()) {
    console.say(batch.tally().work.summary(invocation.seconds()));
  }
  return batch.tally().exit_code();
}

}  // namespace kiln
