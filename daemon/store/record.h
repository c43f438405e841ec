// Fixed-layout records: little-endian integers, digests and short texts behind a checksum.
//
// Format: the first 8 bytes are XXH3-128's low half of key and payload, so that a record is also
//         refused under another's key. See format.md.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "common/types/digest.h"
#include "common/types/hash.h"

namespace kiln::store {

static_assert(std::endian::native == std::endian::little,
              "records are written as memory holds them");

class RecordWriter {
 public:
  template <class T>
    requires std::is_arithmetic_v<T>
  void number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class Tag>
  void digest(const BasicDigest<Tag>& digest) {
    bytes_.append(reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size());
    number(digest.size);
  }
  void text(std::string_view text) {
    number(static_cast<uint32_t>(text.size()));
    bytes_ += text;
  }
  // The record as it is stored under `key`.
  std::string finish(std::string_view key) const { return checksum(key, bytes_) + bytes_; }
  static std::string checksum(std::string_view key, std::string_view payload) {
    const uint64_t value = xxh3_128(std::string(key) + std::string(payload)).low;
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  }

 private:
  std::string bytes_;
};

// Reads in the order of writing. Reading past the end gives zeros and makes complete() false.
class RecordReader {
 public:
  // Nothing if the checksum is wrong. `record` outlives the reader.
  static std::optional<RecordReader> open(std::string_view key, std::string_view record) {
    constexpr size_t kChecksum = sizeof(uint64_t);
    if (record.size() < kChecksum) return std::nullopt;
    const std::string_view payload = record.substr(kChecksum);
    if (RecordWriter::checksum(key, payload) != record.substr(0, kChecksum)) return std::nullopt;
    return RecordReader(payload);
  }

  template <class T>
    requires std::is_arithmetic_v<T>
  T number() {
    T value{};
    const std::string_view bytes = take(sizeof value);
    if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  template <class D>
  D digest() {
    D digest;
    const std::string_view bytes = take(digest.hash.size());
    if (!bytes.empty()) std::memcpy(digest.hash.data(), bytes.data(), bytes.size());
    digest.size = number<int64_t>();
    return digest;
  }
  std::string text() { return std::string(take(number<uint32_t>())); }
  // Everything was there, and nothing is left.
  bool complete() const { return !overrun_ && rest_.empty(); }

 private:
  explicit RecordReader(std::string_view payload) : rest_(payload) {}
  std::string_view take(size_t size) {
    if (size > rest_.size()) {
      overrun_ = true;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool overrun_ = false;
};

}  // namespace kiln::store
