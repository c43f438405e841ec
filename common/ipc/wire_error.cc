#include "common/ipc/wire_error.h"

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

}  // namespace

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

std::string to_status_details(const Error& error) {
  v1::Error wire;
  to_wire(error, wire);
  google::rpc::Status status;
  status.set_code(grpc_status_code(error.code()));
  status.set_message(error.message());
  status.add_details()->PackFrom(wire);
  return status.SerializeAsString();
}

Error from_status(int grpc_status_code, std::string_view message, std::string_view details) {
  google::rpc::Status status;
  v1::Error wire;
  if (!details.empty() && status.ParseFromArray(details.data(), static_cast<int>(details.size())) &&
      status.details_size() > 0 && status.details(0).UnpackTo(&wire)) {
    return from_wire(wire);
  }
  return Error(code_of_grpc(grpc_status_code), Blame::kEnvironment, std::string(message));
}

}  // namespace kiln
