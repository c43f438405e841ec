#include "client/batch.h"

#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "client/exec_options.h"
#include "client/input_file.h"
#include "client/json_message.h"
#include "client/process_json.h"
#include "client/render.h"
#include "client/session.h"
#include "common/ipc/wire_error.h"

namespace kiln {

namespace {

// How many processes the daemon is given ahead of their results.
constexpr size_t kMaxInFlight = 256;
constexpr size_t kReadSize = size_t{64} << 10;
constexpr size_t kDescriptionColumns = 60;
constexpr int kWrong = 2;  // the exit code of a request that is wrong itself

// A line's process; `id` becomes its id as JSON text, if it has one.
Result<v1::Process> parse_line(std::string_view line, std::string& id) {
  nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (json.is_discarded()) return user_error(ErrorCode::kInvalidArgument, "not JSON");
  if (!json.is_object()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "not a JSON object with the fields of kiln.v1.Process");
  }
  if (const auto given = json.find("id"); given != json.end()) {
    id = given->dump();
    json.erase(given);
  }
  v1::Process process;
  KILN_TRY(fill_from_json(json, process));
  if (process.argv().empty()) {
    return user_error(ErrorCode::kInvalidArgument, "field 'argv' is missing or empty");
  }
  if (process.description().empty()) {
    process.set_description(
        command_text({process.argv().begin(), process.argv().end()}, kDescriptionColumns));
  }
  // As for the process of a command line, so that both are the same process.
  if (!process.env().contains("PATH")) (*process.mutable_env())["PATH"] = kDefaultPath;
  return process;
}

}  // namespace

Batch::Batch(BatchInput input, v1::ExecuteBatchRequest first, BatchListener listener)
    : input_(std::move(input)), listener_(std::move(listener)), request_(std::move(first)) {}

int Batch::wait_fd() const { return input_blocked_ ? input_.file.get() : -1; }

// False if there is no whole line now: the input has ended, or must be waited for.
Result<bool> Batch::next_line(std::string& line) {
  for (;;) {
    const size_t newline = unread_.find('\n', scanned_);
    if (newline != std::string::npos || (input_ended_ && consumed_ < unread_.size())) {
      const size_t end = std::min(newline, unread_.size());
      line.assign(unread_, consumed_, end - consumed_);
      consumed_ = scanned_ = std::min(end + 1, unread_.size());
      ++line_number_;
      return true;
    }
    if (input_ended_) return false;
    unread_.erase(0, consumed_);
    consumed_ = 0;
    scanned_ = unread_.size();
    input_blocked_ = !is_readable(input_.file.get());
    if (input_blocked_) return false;
    const size_t old_size = unread_.size();
    unread_.resize(old_size + kReadSize);
    KILN_ASSIGN(const size_t n,
                read_input(input_.file.get(), std::span(unread_.data() + old_size, kReadSize),
                           input_.name, input_.interrupt));
    unread_.resize(old_size + n);
    input_ended_ = n == 0;
  }
}

Result<RequestSource::Pull> Batch::pull(std::string& message) {
  std::string line;
  for (;;) {
    input_blocked_ = false;
    if (in_flight_.size() >= kMaxInFlight) return Pull::kNotYet;
    KILN_ASSIGN(const bool got, next_line(line));
    if (!got) return input_ended_ ? Pull::kEnd : Pull::kNotYet;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::string id = std::to_string(line_number_);
    auto process = parse_line(line, id);
    if (!process.ok()) {
      KILN_TRY(refuse(line_number_, id, process.error()));
      continue;
    }
    request_.set_id(line_number_);
    *request_.mutable_process() = *std::move(process);
    if (!request_.SerializeToString(&message)) return internal_error("a request is too large");
    in_flight_.emplace(line_number_, std::move(id));
    request_.Clear();
    return Pull::kMessage;
  }
}

Result<void> Batch::refuse(uint64_t line_number, const std::string& id, const Error& error) {
  tally_.any_wrong = true;
  const Error placed = user_error(
      error.code(), input_.name + ", line " + std::to_string(line_number) + ": " + error.message());
  listener_.on_wrong(placed.message());
  return listener_.on_line(
      dumped_line({{"id", nlohmann::ordered_json::parse(id)}, {"error", error_json(placed)}}));
}

// The daemon sends the beginning of what a process wrote.
Result<void> Batch::complete(const v1::Digest& digest, std::string& bytes) const {
  if (static_cast<int64_t>(bytes.size()) == digest.size_bytes()) return {};
  KILN_ASSIGN(bytes, listener_.read_blob(digest));
  return {};
}

Result<void> Batch::take(std::string_view message) {
  v1::ExecuteBatchResponse response;
  KILN_TRY(parse_message(message, response));
  if (response.has_progress()) {
    listener_.on_event(response.progress());
    return {};
  }
  const auto line = in_flight_.find(response.id());
  if (line == in_flight_.end()) {
    return internal_error("the daemon answered a request that was not made");
  }
  const std::string id = std::move(line->second);
  in_flight_.erase(line);
  nlohmann::ordered_json json = {{"id", nlohmann::ordered_json::parse(id)}};
  if (response.has_result()) {
    const v1::ProcessResult& result = response.result();
    KILN_TRY(complete(result.stdout_digest(), *response.mutable_stdout()));
    KILN_TRY(complete(result.stderr_digest(), *response.mutable_stderr()));
    add_result(result, response.stdout(), response.stderr(), json);
    tally_.work.add(result);
    tally_.any_failed |= response.result().exit_code() != 0 || response.result().timed_out();
  } else {
    const Error error = from_wire(response.error());
    if (exit_code(error.code(), error.blame()) == kWrong) return refuse(response.id(), id, error);
    json["error"] = error_json(error);
    tally_.any_failed = true;
  }
  return listener_.on_line(dumped_line(json));
}

}  // namespace kiln
