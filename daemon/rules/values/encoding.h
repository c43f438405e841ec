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
//          Fields are integers, enums, text, paths, digests, structs that list their fields in
//          turn, and vectors, optionals and maps of those; for real numbers see real.h.
//          An enum is known to people by its names, if it lists them from 0 on, beside itself:
//
//            constexpr auto enum_names(Order) {
//              return std::array<std::string_view, 2>{"up", "down"};
//            }
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
concept HasNames = std::is_enum_v<T> && requires(T value) {
  { enum_names(value)[0] } -> std::convertible_to<std::string_view>;
};
template <class T>
concept HasFields = requires(const T& value) { T::fields(value, internal::AnyField()); };

template <class T>
  requires std::integral<T> || std::is_enum_v<T>
void encode_value(Encoder& out, T value) {
  out.number(static_cast<uint64_t>(value));
}
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

template <class T>
concept Encodable = requires(Encoder& out, const T& value) { encode_value(out, value); };

namespace internal {
// Says of a field that cannot be one why not, before the overloads above do in their way.
template <class T>
struct CheckField {
  static constexpr bool kIsReal = std::is_floating_point_v<T>;
  static_assert(!kIsReal,
                "a float or a double cannot be a field of an engine value: NaN is not equal to "
                "itself, and 0.0 equals -0.0, which has other bytes. Make it a kiln::rules::Real "
                "(daemon/rules/values/real.h), or an integer of a smaller unit");
  static_assert(kIsReal || !std::is_pointer_v<std::decay_t<T>>,
                "a pointer cannot be a field of an engine value, which is a copy of its own: make "
                "it a value, a std::optional or a std::string");
  static_assert(kIsReal || std::is_pointer_v<std::decay_t<T>> || Encodable<T>,
                "a field of an engine value is a bool, an integer, an enum, a std::string, a "
                "RelPath, a digest, a struct with fields, or a std::vector, std::optional or "
                "std::map of those (see daemon/rules/values/encoding.h)");
  static constexpr bool kDone = true;
};
template <class T>
struct CheckField<std::vector<T>> : CheckField<T> {};
template <class T>
struct CheckField<std::optional<T>> : CheckField<T> {};
template <class K, class V>
struct CheckField<std::map<K, V>> {
  static constexpr bool kDone = CheckField<K>::kDone && CheckField<V>::kDone;
};
}  // namespace internal

template <HasFields T>
void encode_value(Encoder& out, const T& value) {
  T::fields(value, [&out]<class Field>(std::string_view, const Field& field) {
    static_assert(internal::CheckField<Field>::kDone);
    encode_value(out, field);
  });
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

}  // namespace kiln::rules
