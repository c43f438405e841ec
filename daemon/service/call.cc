#include "daemon/service/call.h"

#include "common/ipc/wire_error.h"

namespace kiln::service {

grpc::Status to_status(const Result<void>& result) {
  if (result.ok()) return grpc::Status::OK;
  const Error& error = result.error();
  return {static_cast<grpc::StatusCode>(grpc_status_code(error.code())), error.to_string(),
          to_status_details(error)};
}

grpc::Status to_refusal(const Error& error) {
  if (error.code() != ErrorCode::kUnavailable) return to_status(error);
  return {grpc::StatusCode::UNAVAILABLE, error.message()};
}

}  // namespace kiln::service
