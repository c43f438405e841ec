// Bytes as base64 text (RFC 4648, section 4).
// Threads: stateless.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

std::string base64_encoded(std::string_view bytes);

}  // namespace kiln
