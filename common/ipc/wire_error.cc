#include "common/ipc/wire_error.h"

#include <algorithm>
#include <optional>

#include "google/rpc/status.pb.h"
#include "kiln/v1/common.pb.h"

namespace kiln {

static_assert(static_cast<int>(ErrorCode::kInvalidArgument) == v1::INVALID_ARGUMENT);
static_assert(static_cast<int>(ErrorCode::kNotFound) == v1::NOT_FOUND);
static_assert(static_cast<int>(ErrorCode::kAlreadyExists) == v1::ALREADY_EXISTS);
static_assert(static_cast<int>(ErrorCode::kFailedPrecondition) == v1::FAILED_PRECONDITION);
static_assert(static_cast<int>(ErrorCode::kPermissionDenied) == v1::PERMISSION_DENIED);
static_assert(static_cast<int>(ErrorCode::kConflict) == v1::CONFLICT);
static_assert(static_cast<int>(ErrorCode::kCancelled) == v1::CANCELLED);
static_assert(static_cast<int>(ErrorCode::kTimedOut) == v1::TIMED_OUT);
static_assert(static_cast<int>(ErrorCode::kResourceExhausted) == v1::RESOURCE_EXHAUSTED);
static_assert(static_cast<int>(ErrorCode::kDataLoss) == v1::DATA_LOSS);
static_assert(static_cast<int>(ErrorCode::kUnavailable) == v1::UNAVAILABLE);
static_assert(static_cast<int>(ErrorCode::kUnsupported) == v1::UNSUPPORTED);
static_assert(static_cast<int>(ErrorCode::kCommandNotFound) == v1::COMMAND_NOT_FOUND);
static_assert(static_cast<int>(ErrorCode::kCommandNotExecutable) == v1::COMMAND_NOT_EXECUTABLE);
static_assert(static_cast<int>(ErrorCode::kCycle) == v1::CYCLE);
static_assert(static_cast<int>(ErrorCode::kInternal) == v1::INTERNAL);
static_assert(static_cast<int>(ErrorCode::kVersionSkew) == v1::VERSION_SKEW);

namespace {

// For statuses that come from gRPC itself and so carry no kiln.v1.Error.
ErrorCode code_of_grpc(int status) {
  switch (status) {
    case 1:
      return ErrorCode::kCancelled;
    case 3:
      return ErrorCode::kInvalidArgument;
    case 4:
      return ErrorCode::kTimedOut;
    case 5:
      return ErrorCode::kNotFound;
    case 8:
      return ErrorCode::kResourceExhausted;
    case 12:
      return ErrorCode::kUnsupported;
    case 14:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

// No frame of the context is worth more.
constexpr size_t kMaxFrame = 512;

std::string more_lines(size_t n) {
  return "… and " + std::to_string(n) + (n == 1 ? " more line" : " more lines");
}

// The beginning of UTF-8 text in at most `bytes`: whole lines, or else a part of the first.
std::string beginning(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  const size_t newline = text.rfind('\n', bytes);
  if (newline != std::string_view::npos && newline != 0) {
    const auto left_out =
        std::count(text.begin() + static_cast<ptrdiff_t>(newline), text.end(), '\n');
    return std::string(text.substr(0, newline)) + "\n" + more_lines(static_cast<size_t>(left_out));
  }
  size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

// The error in a serialized google.rpc.Status; nothing if there is none.
std::optional<v1::Error> error_in(std::string_view details) {
  google::rpc::Status status;
  v1::Error wire;
  const bool found = !details.empty() &&
                     status.ParseFromArray(details.data(), static_cast<int>(details.size())) &&
                     status.details_size() > 0 && status.details(0).UnpackTo(&wire);
  if (!found) return std::nullopt;
  return wire;
}

}  // namespace

Error bounded(const Error& error, size_t bytes) {
  Error out(error.code(), error.blame(), beginning(error.message(), bytes));
  size_t left = bytes - std::min(bytes, out.message().size());
  for (const std::string& whole : error.context()) {
    const std::string frame = beginning(whole, kMaxFrame);
    if (frame.size() > left) break;
    out = out.with_context(frame);
    left -= frame.size();
  }
  return out;
}

void to_wire(const Error& error, v1::Error& wire) {
  wire.set_code(static_cast<v1::ErrorCode>(error.code()));
  wire.set_blame(static_cast<v1::Blame>(error.blame()));
  wire.set_message(error.message());
  for (const std::string& frame : error.context()) wire.add_context(frame);
}

Error from_wire(const v1::Error& wire) {
  const bool known =
      wire.code() != v1::ERROR_CODE_UNSPECIFIED && v1::ErrorCode_IsValid(wire.code());
  const bool blamed = wire.blame() != v1::BLAME_UNSPECIFIED && v1::Blame_IsValid(wire.blame());
  Error error(known ? static_cast<ErrorCode>(wire.code()) : ErrorCode::kInternal,
              blamed ? static_cast<Blame>(wire.blame()) : Blame::kBug, wire.message());
  for (const std::string& frame : wire.context()) error = error.with_context(frame);
  return error;
}

std::string to_status_details(const Error& error, std::string_view message, Begun begun) {
  v1::Error wire;
  to_wire(error, wire);
  wire.set_not_begun(begun == Begun::kNo);
  google::rpc::Status status;
  status.set_code(grpc_status_code(error.code()));
  status.set_message(std::string(message));
  status.add_details()->PackFrom(wire);
  return status.SerializeAsString();
}

Begun begun_of(std::string_view details) {
  const auto wire = error_in(details);
  return wire && wire->not_begun() ? Begun::kNo : Begun::kMaybe;
}

Error from_status(int grpc_status_code, std::string_view message, std::string_view details) {
  if (const auto wire = error_in(details)) return from_wire(*wire);
  return Error(code_of_grpc(grpc_status_code), Blame::kEnvironment, std::string(message));
}

}  // namespace kiln
