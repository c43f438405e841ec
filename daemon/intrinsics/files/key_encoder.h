// KeyEncoder: the canonical encoding of a node's input, hashed into its memo key.
// Strings are length-prefixed, numbers fixed-width: different inputs never encode alike.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "common/types/digest.h"
#include "common/types/hash.h"

namespace kiln::intrinsics {

class KeyEncoder {
 public:
  explicit KeyEncoder(std::string_view function_name) {
    bytes_.reserve(kUsual);
    add(function_name);
  }

  KeyEncoder& add(uint64_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    bytes_.append(bytes, sizeof bytes);
    return *this;
  }
  KeyEncoder& add(std::string_view text) {
    add(uint64_t{text.size()});
    bytes_ += text;
    return *this;
  }
  KeyEncoder& add(const Hash128& hash) { return add(hash.low).add(hash.high); }
  template <class Tag>
  KeyEncoder& add(const BasicDigest<Tag>& digest) {
    bytes_.append(reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size());
    return add(static_cast<uint64_t>(digest.size));
  }

  Hash128 hash() const { return xxh3_128(bytes_); }

 private:
  static constexpr size_t kUsual = 192;  // a function, a root and a path: one allocation
  std::string bytes_;
};

}  // namespace kiln::intrinsics
