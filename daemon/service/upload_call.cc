#include "daemon/service/upload_call.h"

#include "daemon/service/convert.h"

namespace kiln::service {

UploadCall::UploadCall(const Host& host, grpc::CallbackServerContext& context,
                       v1::UploadResponse& response)
    : host_(host), context_(context), response_(response) {
  StartRead(&message_);
}

void UploadCall::OnReadDone(bool ok) {
  host_.engine.blocking.post([this, ok] { step(ok); });
}

void UploadCall::step(bool ok) {
  const Result<void> result = ok ? take() : complete();
  if (ok && result.ok()) {
    StartRead(&message_);
    return;
  }
  writer_.reset();
  cancelled_.reset();
  run_.reset();
  Finish(to_status(result));
}

Result<void> UploadCall::take() {
  if (run_ == nullptr) {
    KILN_ASSIGN(run_, host_.begin(message_));
    KILN_ASSIGN(writer_, host_.engine.store.blobs().writer());
    cancelled_.emplace(run_->token(), [this] { context_.TryCancel(); });
  }
  return writer_->append(message_.data());
}

Result<void> UploadCall::complete() {
  // The end of a stream and its break look alike to a read.
  if (context_.IsCancelled()) return user_error(ErrorCode::kCancelled, "the upload was cancelled");
  if (writer_ == nullptr) {
    return user_error(ErrorCode::kInvalidArgument,
                      "an upload needs at least one message; send an empty one for an empty file");
  }
  KILN_ASSIGN(const FileDigest digest, writer_->finish());
  set_digest(digest, *response_.mutable_file_digest());
  return {};
}

}  // namespace kiln::service
