// Canonical encoding: same value, same bytes, on every machine and in every run. A param's encoding
// is hashed into the keys of the nodes that consume it.
//
// What:    strings and sequences are length-prefixed, numbers fixed-width and little-endian, so
//          different values of one type never encode alike. A struct encodes its fields in the
//          order in which it lists them:
//
//            struct PathGlobs {
//              static constexpr std::string_view kTypeName = "PathGlobs";
//              std::vector<std::string> globs;
//              static void fields(auto& self, auto&& field) { field("globs", self.globs); }
//              friend bool operator==(const PathGlobs&, const PathGlobs&) = default;
//            };
//
//          A type that has no fields to list overloads encode_value(Encoder&, const T&).
// Threads: free functions are thread-safe; an Encoder is single-owner.
#pragma once

#include <absl/container/inlined_vector.h>

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/types/digest.h"
#include "common/types/hash.h"
#include "common/types/rel_path.h"

namespace kiln::rules {

static_assert(std::endian::native == std::endian::little, "encodings are little-endian");

class Encoder {
 public:
  void raw(const void* data, size_t size) {
    const char* bytes = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }
  void number(uint64_t number) { raw(&number, sizeof number); }
  void text(std::string_view text) {
    number(text.size());
    raw(text.data(), text.size());
  }

  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  Hash128 hash() const { return xxh3_128(bytes()); }

 private:
  absl::InlinedVector<char, 192> bytes_;
};

namespace internal {
// Stands in for what `fields` is called with, to ask whether a type has it.
struct AnyField {
  void operator()(std::string_view, const auto&) const {}
};
}  // namespace internal

template <class T>
concept HasFields = requires(const T& value) { T::fields(value, internal::AnyField()); };

template <class T>
  requires std::integral<T> || std::is_enum_v<T>
void encode_value(Encoder& out, T value) {
  out.number(static_cast<uint64_t>(value));
}
inline void encode_value(Encoder& out, double value) { out.number(std::bit_cast<uint64_t>(value)); }
inline void encode_value(Encoder& out, const std::string& value) { out.text(value); }
inline void encode_value(Encoder& out, const RelPath& value) { out.text(value.str()); }
inline void encode_value(Encoder& out, const Hash128& value) {
  out.number(value.low);
  out.number(value.high);
}
template <class Tag>
void encode_value(Encoder& out, const BasicDigest<Tag>& value) {
  out.raw(value.hash.data(), value.hash.size());
  out.number(static_cast<uint64_t>(value.size));
}

template <HasFields T>
void encode_value(Encoder& out, const T& value);
template <class T>
void encode_value(Encoder& out, const std::vector<T>& values);
template <class T>
void encode_value(Encoder& out, const std::optional<T>& value);
template <class K, class V>
void encode_value(Encoder& out, const std::map<K, V>& values);

template <HasFields T>
void encode_value(Encoder& out, const T& value) {
  T::fields(value, [&out](std::string_view, const auto& field) { encode_value(out, field); });
}
template <class T>
void encode_value(Encoder& out, const std::vector<T>& values) {
  out.number(values.size());
  for (const T& value : values) encode_value(out, value);
}
template <class T>
void encode_value(Encoder& out, const std::optional<T>& value) {
  out.number(value.has_value() ? 1 : 0);
  if (value) encode_value(out, *value);
}
template <class K, class V>
void encode_value(Encoder& out, const std::map<K, V>& values) {
  out.number(values.size());
  for (const auto& [key, value] : values) {
    encode_value(out, key);
    encode_value(out, value);
  }
}

template <class T>
concept Encodable = requires(Encoder& out, const T& value) { encode_value(out, value); };

}  // namespace kiln::rules
