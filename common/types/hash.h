// Hashing. SHA-256 makes identities; XXH3-128 keys memory and detects damage, and is never an
// identity that leaves the process.
// Threads: free functions are thread-safe; a Sha256Hasher is single-owner.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "common/types/digest.h"

namespace kiln {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

Hash128 xxh3_128(std::string_view bytes);

FileDigest file_digest_of(std::string_view content);
// Of an encoded REAPI Directory.
Digest directory_digest_of(std::string_view encoded_directory);
Sha256 sha256(std::string_view bytes);

// SHA-256 of bytes that arrive in pieces.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;

  void update(std::string_view bytes);
  // The digest of all bytes so far; the hasher is spent.
  FileDigest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln

template <>
struct std::hash<kiln::Hash128> {
  size_t operator()(const kiln::Hash128& hash) const noexcept { return hash.low; }
};
