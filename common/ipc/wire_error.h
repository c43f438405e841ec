// Errors on the wire: kiln::Error as kiln.v1.Error, alone or inside the google.rpc.Status that a
// gRPC status carries in its trailer grpc-status-details-bin.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, google/rpc/status.proto.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

namespace kiln::v1 {
class Error;
}  // namespace kiln::v1

namespace kiln {

void to_wire(const Error& error, v1::Error& wire);
Error from_wire(const v1::Error& wire);

// The error cut to about `bytes` of text: the message's first lines, and how many more there are;
// then those innermost frames of the context that still fit.
Error bounded(const Error& error, size_t bytes);

// Whether a request that failed was begun. One that was not can be sent again.
enum class Begun : bool { kNo, kMaybe };

// A serialized google.rpc.Status whose only detail is the error. Its code and message are those of
// the gRPC status that it travels with, as clients check: `message` is that status's message.
std::string to_status_details(const Error& error, std::string_view message,
                              Begun begun = Begun::kMaybe);
// What the details of a status say; kMaybe if they are empty or foreign.
Begun begun_of(std::string_view details);
// The error of a failed call. `details` may be empty or foreign: then code and message decide.
Error from_status(int grpc_status_code, std::string_view message, std::string_view details);

}  // namespace kiln
