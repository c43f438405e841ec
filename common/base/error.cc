#include "common/base/error.h"

#include <cerrno>
#include <system_error>

namespace kiln {

Error::Error(ErrorCode code, Blame blame, std::string message)
    : rep_(new Rep(code, blame, std::move(message))) {}

Error Error::with_context(std::string frame) const {
  boost::intrusive_ptr<Rep> rep(new Rep(*rep_));
  rep->context.push_back(std::move(frame));
  return Error(std::move(rep));
}

std::string Error::to_string() const {
  std::string text = rep_->message;
  for (const std::string& frame : rep_->context) {
    text += "\n  ";
    text += frame;
  }
  return text;
}

Error user_error(ErrorCode code, std::string message) {
  return Error(code, Blame::kUser, std::move(message));
}

Error environment_error(ErrorCode code, std::string message) {
  return Error(code, Blame::kEnvironment, std::move(message));
}

Error internal_error(std::string message) {
  return Error(ErrorCode::kInternal, Blame::kBug, std::move(message));
}

namespace {

ErrorCode code_of_errno(int errno_value) {
  switch (errno_value) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG:
      return ErrorCode::kResourceExhausted;
    case EINVAL:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidArgument;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENOTEMPTY:
    case EXDEV:
      return ErrorCode::kFailedPrecondition;
    case ECANCELED:
      return ErrorCode::kCancelled;
    case ETIMEDOUT:
      return ErrorCode::kTimedOut;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Error os_error(int errno_value, std::string_view what) {
  return environment_error(
      code_of_errno(errno_value),
      "cannot " + std::string(what) + ": " + std::generic_category().message(errno_value));
}

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kAlreadyExists:
      return "already_exists";
    case ErrorCode::kFailedPrecondition:
      return "failed_precondition";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kTimedOut:
      return "timed_out";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kDataLoss:
      return "data_loss";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kCommandNotFound:
      return "command_not_found";
    case ErrorCode::kCommandNotExecutable:
      return "command_not_executable";
    case ErrorCode::kCycle:
      return "cycle";
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kVersionSkew:
      return "version_skew";
  }
  return "unknown";
}

int grpc_status_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 3;  // INVALID_ARGUMENT
    case ErrorCode::kNotFound:
    case ErrorCode::kCommandNotFound:
      return 5;  // NOT_FOUND
    case ErrorCode::kAlreadyExists:
      return 6;  // ALREADY_EXISTS
    case ErrorCode::kPermissionDenied:
      return 7;  // PERMISSION_DENIED
    case ErrorCode::kResourceExhausted:
      return 8;  // RESOURCE_EXHAUSTED
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kConflict:
    case ErrorCode::kCommandNotExecutable:
    case ErrorCode::kCycle:
    case ErrorCode::kVersionSkew:
      return 9;  // FAILED_PRECONDITION
    case ErrorCode::kCancelled:
      return 1;  // CANCELLED
    case ErrorCode::kTimedOut:
      return 4;  // DEADLINE_EXCEEDED
    case ErrorCode::kDataLoss:
      return 15;  // DATA_LOSS
    case ErrorCode::kUnavailable:
      return 14;  // UNAVAILABLE
    case ErrorCode::kUnsupported:
      return 12;  // UNIMPLEMENTED
    case ErrorCode::kInternal:
      return 13;  // INTERNAL
  }
  return 2;  // UNKNOWN
}

int exit_code(ErrorCode code, Blame blame) {
  switch (code) {
    case ErrorCode::kTimedOut:
      return 124;
    case ErrorCode::kCommandNotExecutable:
      return 126;
    case ErrorCode::kCommandNotFound:
      return 127;
    case ErrorCode::kCancelled:
      return 130;
    // The request was right, whoever's move it is now: 2 would send people to their command line.
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kDataLoss:
    case ErrorCode::kUnavailable:
    case ErrorCode::kInternal:
    case ErrorCode::kVersionSkew:
      return 125;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kUnsupported:
    case ErrorCode::kCycle:
      return blame == Blame::kUser ? 2 : 125;
  }
  return 125;
}

}  // namespace kiln
