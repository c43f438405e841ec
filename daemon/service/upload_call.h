// UploadCall: a stream of bytes into one blob.
//
// Model:   one message at a time: read, append on the blocking executor, read again; so memory is
//          bounded by one message and a slow disk slows the client down.
// Owns:    itself until OnDone(); the writer, which leaves nothing behind if the stream breaks.
// Cancels: a run that is cancelled ends the call, even if the client sends nothing any more.
#pragma once

#include <memory>

#include "daemon/service/host.h"
#include "daemon/store/stores.h"
#include "kiln/v1/digests.grpc.pb.h"

namespace kiln::service {

class UploadCall final : public grpc::ServerReadReactor<v1::UploadRequest> {
 public:
  UploadCall(const Host& host, grpc::CallbackServerContext& context, v1::UploadResponse& response);

 private:
  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

  // What happens between two reads, on the blocking executor.
  void step(bool ok);
  Result<void> take();
  Result<void> complete();

  const Host& host_;
  grpc::CallbackServerContext& context_;
  v1::UploadResponse& response_;
  v1::UploadRequest message_;
  std::shared_ptr<session::Run> run_;
  std::unique_ptr<store::BlobWriter> writer_;
  std::optional<OnRunCancelled> cancelled_;
};

}  // namespace kiln::service
