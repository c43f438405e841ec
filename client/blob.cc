#include "client/blob.h"

#include "common/base/version.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

Result<std::string> read_blob(Session& session, const v1::Digest& file_digest) {
  v1::ReadBlobRequest request;
  request.mutable_caller()->set_client_version(std::string(version()));
  *request.mutable_file_digest() = file_digest;
  std::string bytes;
  KILN_TRY(session.server_stream("/kiln.v1.Digests/ReadBlob", request,
                                 [&bytes](std::string_view message) -> Result<void> {
                                   v1::ReadBlobResponse response;
                                   KILN_TRY(parse_message(message, response));
                                   bytes += response.data();
                                   return {};
                                 }));
  return bytes;
}

}  // namespace kiln
