// gRPC's encoding of messages and statuses above HTTP/2.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
// Threads: free functions are stateless; a MessageReader is single-owner.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln {

// Appends the five-byte prefix and the message.
void append_grpc_message(std::string_view message, std::string& out);

// Cuts a stream of bytes, which comes in any pieces, into messages.
class MessageReader {
 public:
  // Hands every message that `bytes` completes to `on_message`, whose error ends the reading.
  Result<void> feed(std::string_view bytes,
                    const std::function<Result<void>(std::string_view)>& on_message);
  // True if it stands between two messages.
  bool at_boundary() const { return partial_.empty(); }

 private:
  std::string partial_;
};

// grpc-message: %XX for what is not printable ASCII. Wrong escapes stand for themselves.
std::string percent_decoded(std::string_view text);

// What the trailers of a call said.
struct GrpcStatus {
  std::optional<int> code;  // grpc-status
  std::string message;      // decoded
  std::string details;      // serialized google.rpc.Status

  // Takes over one header or trailer, if it is one of the three.
  void read_header(std::string_view name, std::string_view value);
};

}  // namespace kiln
