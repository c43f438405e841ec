#include "daemon/service/call.h"

#include "common/ipc/wire_error.h"

namespace kiln::service {

namespace {

// An error travels in the trailers of its call, and gRPC's clients take 8 KiB of them, unless told
// otherwise; a longer one would reach nobody. The summary is in there twice.
constexpr size_t kMaxErrorBytes = (6 << 10) - 512;
// Of the text for those who do not read the details. Percent-encoding may make it thrice as long.
constexpr size_t kMaxSummaryBytes = 256;

std::string summary(const Error& error) {
  const std::string& message = error.message();
  return bounded(user_error(error.code(), message.substr(0, message.find('\n'))), kMaxSummaryBytes)
      .message();
}

grpc::Status status_of(const Error& error, Begun begun) {
  const std::string message = summary(error);
  return {static_cast<grpc::StatusCode>(grpc_status_code(error.code())), message,
          to_status_details(bounded(error, kMaxErrorBytes), message, begun)};
}

}  // namespace

grpc::Status to_status(const Result<void>& result) {
  return result.ok() ? grpc::Status::OK : status_of(result.error(), Begun::kMaybe);
}

grpc::Status to_refusal(const Error& error) { return status_of(error, Begun::kNo); }

}  // namespace kiln::service
