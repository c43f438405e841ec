#include "daemon/service/call.h"

#include "common/ipc/wire_error.h"

namespace kiln::service {

namespace {

// An error travels in the trailers of its call, and gRPC's clients take 8 KiB of them, unless told
// otherwise; a longer one would reach nobody.
constexpr size_t kMaxErrorBytes = 6 << 10;
// Of the text for those who do not read the details. Percent-encoding may make it thrice as long.
constexpr size_t kMaxSummaryBytes = 256;

std::string summary(const Error& error) {
  const std::string& message = error.message();
  return bounded(user_error(error.code(), message.substr(0, message.find('\n'))), kMaxSummaryBytes)
      .message();
}

}  // namespace

grpc::Status to_status(const Result<void>& result) {
  if (result.ok()) return grpc::Status::OK;
  const Error& error = result.error();
  return {static_cast<grpc::StatusCode>(grpc_status_code(error.code())), summary(error),
          to_status_details(bounded(error, kMaxErrorBytes))};
}

grpc::Status to_refusal(const Error& error) {
  if (error.code() != ErrorCode::kUnavailable) return to_status(error);
  return {grpc::StatusCode::UNAVAILABLE, summary(error)};
}

}  // namespace kiln::service
