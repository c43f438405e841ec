// Base64 (RFC 4648). Own code, because the client is linked statically without a library for it.
// Threads: stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln {

// With the standard alphabet, padded.
std::string base64_encoded(std::string_view bytes);
// In either alphabet, padded or not, as in gRPC's "-bin" headers. Nothing for what is not base64.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace kiln
