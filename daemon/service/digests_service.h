// kiln.v1.Digests over the session's captures and the store's trees. Contract: digests.proto.
#pragma once

#include "daemon/service/host.h"
#include "kiln/v1/digests.grpc.pb.h"

namespace kiln::service {

class DigestsService final : public v1::Digests::CallbackService {
 public:
  explicit DigestsService(const Host& host) : host_(host) {}

  template <class T>
  using Writes = grpc::ServerWriteReactor<T>;
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* Capture(Context*, const v1::CaptureRequest*, v1::CaptureResponse*) override;
  Writes<v1::ListPathsResponse>* ListPaths(Context*, const v1::ListPathsRequest*) override;
  grpc::ServerReadReactor<v1::UploadRequest>* Upload(Context*, v1::UploadResponse*) override;
  Unary* Create(Context*, const v1::CreateRequest*, v1::DigestResponse*) override;
  Writes<v1::ReadFileResponse>* ReadFile(Context*, const v1::ReadFileRequest*) override;
  Writes<v1::ReadBlobResponse>* ReadBlob(Context*, const v1::ReadBlobRequest*) override;
  Writes<v1::ListEntriesResponse>* ListEntries(Context*, const v1::ListEntriesRequest*) override;
  Unary* Merge(Context*, const v1::MergeRequest*, v1::DigestResponse*) override;
  Unary* Subset(Context*, const v1::SubsetRequest*, v1::DigestResponse*) override;
  Unary* AddPrefix(Context*, const v1::PrefixRequest*, v1::DigestResponse*) override;
  Unary* RemovePrefix(Context*, const v1::PrefixRequest*, v1::DigestResponse*) override;
  Unary* Download(Context*, const v1::DownloadRequest*, v1::DigestResponse*) override;
  Writes<v1::DiffResponse>* Diff(Context*, const v1::DiffRequest*) override;
  Unary* Write(Context*, const v1::WriteRequest*, v1::WriteResponse*) override;

 private:
  const Host& host_;
};

}  // namespace kiln::service
