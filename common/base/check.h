// KILN_CHECK(condition, message): a broken invariant ends the process at once, with its place.
// For bugs only; what a user or a machine can cause is an Error.
#pragma once

#include <string_view>

namespace kiln {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view message);
}  // namespace kiln

#define KILN_CHECK(condition, message)                                 \
  do {                                                                 \
    if (!(condition)) [[unlikely]] {                                   \
      ::kiln::check_failed(__FILE__, __LINE__, #condition, (message)); \
    }                                                                  \
  } while (false)
