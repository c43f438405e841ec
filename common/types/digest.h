// Digest and FileDigest: content addresses, exactly those of the Remote Execution API.
//
// What:   SHA-256 of some bytes, and how many bytes those are. `FileDigest` addresses the content
//         of a file; `Digest` addresses a REAPI `Directory` message, that is, a tree of files.
//         They are different types because one is never accepted for the other.
// Format: "HASH/SIZE", 64 lower-case hex digits and a decimal number; parses as it prints.
// Source: build/bazel/remote/execution/v2/remote_execution.proto, message Digest.
// Threads: immutable values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln {

using Sha256 = std::array<uint8_t, 32>;

std::string to_hex(const Sha256& hash);
// 64 lower-case hex digits; anything else is an invalid_argument error.
Result<Sha256> parse_sha256(std::string_view hex);

template <class Tag>
struct BasicDigest {
  // The digest of zero bytes, which is also that of the empty directory.
  static constexpr Sha256 kEmptyHash = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                        0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                        0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                        0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};

  Sha256 hash = kEmptyHash;
  int64_t size = 0;  // bytes

  bool empty() const { return size == 0; }
  friend auto operator<=>(const BasicDigest&, const BasicDigest&) = default;
};

using Digest = BasicDigest<struct DirectoryTag>;
using FileDigest = BasicDigest<struct FileTag>;

std::string to_string(const Digest& digest);
std::string to_string(const FileDigest& digest);
Result<Digest> parse_digest(std::string_view text);
Result<FileDigest> parse_file_digest(std::string_view text);

}  // namespace kiln

template <class Tag>
struct std::hash<kiln::BasicDigest<Tag>> {
  size_t operator()(const kiln::BasicDigest<Tag>& digest) const noexcept {
    size_t value;
    std::memcpy(&value, digest.hash.data(), sizeof value);
    return value;
  }
};
