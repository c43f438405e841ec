// Which calls may be made again when the daemon dies under them.
// Threads: stateless.
#pragma once

#include <cstdint>
#include <string_view>

namespace kiln {

enum class Repeatable : uint8_t {
  // It has effects, or prints as it goes: whoever asked decides.
  kNever,
  // It has no effects: again, unless a part of the answer was handed on already.
  kIfUnheard,
  // Its answer is a function of a digest: again, without the part that was handed on.
  kAlways,
};

// `method` as in a request: "/kiln.v1.Digests/Capture".
Repeatable repeatable(std::string_view method);

}  // namespace kiln
