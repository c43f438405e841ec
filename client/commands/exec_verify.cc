#include "client/commands/exec_verify.h"

#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "client/blob.h"
#include "client/process_json.h"
#include "common/types/rel_path.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

namespace {

// Long enough for every clock that counts seconds to show another one.
constexpr int kPauseMilliseconds = 1100;

struct Outcome {
  v1::ProcessResult result;
  std::string out;
  std::string err;
};

Result<Outcome> run(Session& session, const v1::ExecuteRequest& request) {
  Outcome outcome;
  KILN_TRY(session.server_stream(
      "/kiln.v1.Processes/Execute", request, [&](std::string_view bytes) -> Result<void> {
        v1::ExecuteEvent event;
        KILN_TRY(parse_message(bytes, event));
        if (event.has_output()) {
          const bool to_stdout = event.output().stream() == v1::ProcessOutput::STDOUT;
          (to_stdout ? outcome.out : outcome.err) += event.output().data();
        } else if (event.has_finished()) {
          outcome.result = std::move(*event.mutable_finished());
        }
        return {};
      }));
  return outcome;
}

Result<void> pause(Interrupt& interrupt) {
  pollfd signal = {interrupt.fd(), POLLIN, 0};
  if (::poll(&signal, 1, kPauseMilliseconds) > 0 && interrupt.take()) return interrupted_error();
  return {};
}

// "stdout differs at byte 12, in line 2"; nothing if both are equal.
std::optional<std::string> difference(const std::string& what, std::string_view one,
                                      std::string_view other) {
  if (one == other) return std::nullopt;
  const auto [at, end] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  const auto line = std::count(one.begin(), at, '\n') + 1;
  return what + " differs at byte " + std::to_string(at - one.begin()) + ", in line " +
         std::to_string(line);
}

Result<std::optional<std::string>> difference_of_entry(Session& session,
                                                       const v1::DiffResponse::Change& change) {
  const std::string path =
      printable(change.has_left() ? change.left().path() : change.right().path());
  const std::string what = "the output " + path;
  if (!change.has_left() || !change.has_right()) {
    return std::optional(what + " is there in one run only");
  }
  if (change.left().kind() != v1::TreeEntry::FILE || change.right().kind() != v1::TreeEntry::FILE) {
    return std::optional(what + " is of another kind, or leads elsewhere");
  }
  if (change.left().is_executable() != change.right().is_executable()) {
    return std::optional(what + " is executable in one run only");
  }
  KILN_ASSIGN(const std::string one, read_blob(session, change.left().digest()));
  KILN_ASSIGN(const std::string other, read_blob(session, change.right().digest()));
  return difference(what, one, other);
}

Result<std::optional<std::string>> difference_of_outputs(Session& session, const v1::Caller& caller,
                                                         const Outcome& one, const Outcome& other) {
  v1::DiffRequest request;
  *request.mutable_caller() = caller;
  *request.mutable_left() = one.result.output_digest();
  *request.mutable_right() = other.result.output_digest();
  std::optional<v1::DiffResponse::Change> first;
  KILN_TRY(session.server_stream("/kiln.v1.Digests/Diff", request,
                                 [&](std::string_view bytes) -> Result<void> {
                                   v1::DiffResponse response;
                                   KILN_TRY(parse_message(bytes, response));
                                   if (!first && response.changes_size() > 0) {
                                     first = response.changes(0);
                                   }
                                   return {};
                                 }));
  if (!first) return std::optional<std::string>();
  return difference_of_entry(session, *first);
}

Result<std::optional<std::string>> first_difference(Session& session, const v1::Caller& caller,
                                                    const Outcome& one, const Outcome& other) {
  if (one.result.exit_code() != other.result.exit_code()) {
    return std::optional("the exit code is " + std::to_string(one.result.exit_code()) +
                         " in one run and " + std::to_string(other.result.exit_code()) +
                         " in the other");
  }
  if (auto found = difference("stdout", one.out, other.out)) return found;
  if (auto found = difference("stderr", one.err, other.err)) return found;
  return difference_of_outputs(session, caller, one, other);
}

void remove_kept(const Outcome& outcome) {
  std::error_code ignored;
  if (!outcome.result.kept_sandbox().empty()) {
    std::filesystem::remove_all(outcome.result.kept_sandbox(), ignored);
  }
}

}  // namespace

Result<int> verify_twice(Invocation& invocation, v1::ExecuteRequest request) {
  request.mutable_process()->set_cache_scope(v1::Process::PER_SESSION);
  // A kept sandbox stays in the way, so the second run gets another directory.
  request.set_keep_sandboxes(v1::ALWAYS);
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_ASSIGN(const Outcome one, run(*session, request));
  KILN_TRY(pause(invocation.interrupt()));
  KILN_ASSIGN(const Outcome other, run(*session, request));
  KILN_ASSIGN(const auto difference, first_difference(*session, request.caller(), one, other));
  if (!difference) {
    remove_kept(one);
    remove_kept(other);
  }
  Console& console = invocation.console();
  if (invocation.globals().json()) {
    nlohmann::ordered_json json = {{"same", !difference.has_value()}};
    if (difference) {
      json["difference"] = *difference;
      json["kept_sandboxes"] = {one.result.kept_sandbox(), other.result.kept_sandbox()};
    }
    KILN_TRY(console.write_stdout(dumped_line(json)));
  } else {
    KILN_TRY(console.write_stdout(one.out));
    KILN_TRY(console.write_stderr(one.err));
    console.say(difference ? "the two runs differ: " + *difference + "\n  their sandboxes are " +
                                 one.result.kept_sandbox() + " and " + other.result.kept_sandbox()
                           : "two runs gave the same");
  }
  if (difference) return 1;
  return one.result.exit_code() < 0 ? 128 - one.result.exit_code() : one.result.exit_code();
}

}  // namespace kiln
