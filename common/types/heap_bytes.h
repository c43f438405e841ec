// heap_bytes: about how many bytes of the heap a value holds, beyond its own size.
//
// What:    strings and containers by their capacity, records that list their `fields` by these, all
//          recursively. A type that knows better has `footprint(const T&)`, found by
//          argument-dependent look-up. What is none of these holds nothing.
// Threads: pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/types/rel_path.h"

namespace kiln {

template <class T>
size_t heap_bytes(const T& value);

namespace internal {

// What a node of std::map or std::set costs besides its value.
inline constexpr size_t kTreeNodeBytes = 4 * sizeof(void*);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
concept Buffered = requires(const T& t) {
  t.begin();
  t.end();
  t.capacity();
};
template <class T>
concept NodeBased = requires(const T& t) {
  t.begin();
  t.end();
  typename T::key_compare;
};
template <class T>
concept Pair = requires(const T& t) {
  t.first;
  t.second;
};
template <class T>
concept Record = requires(const T& t) { T::fields(t, [](std::string_view, const auto&) {}); };

}  // namespace internal

inline size_t heap_bytes(const std::string& text) {
  const size_t inside = std::string().capacity();
  return text.capacity() > inside ? text.capacity() + 1 : 0;
}
inline size_t heap_bytes(const RelPath& path) { return heap_bytes(path.str()); }

template <class T>
size_t heap_bytes(const T& value) {
  size_t bytes = 0;
  if constexpr (requires { footprint(value); }) {
    bytes = footprint(value);
  } else if constexpr (internal::is_optional<T>) {
    if (value) bytes = heap_bytes(*value);
  } else if constexpr (internal::Buffered<T>) {
    bytes = value.capacity() * sizeof(typename T::value_type);
    if constexpr (!std::is_trivially_copyable_v<typename T::value_type>) {
      for (const auto& element : value) bytes += heap_bytes(element);
    }
  } else if constexpr (internal::NodeBased<T>) {
    for (const auto& element : value) {
      bytes += internal::kTreeNodeBytes + sizeof element + heap_bytes(element);
    }
  } else if constexpr (internal::Pair<T>) {
    bytes = heap_bytes(value.first) + heap_bytes(value.second);
  } else if constexpr (internal::Record<T>) {
    T::fields(value, [&](std::string_view, const auto& field) { bytes += heap_bytes(field); });
  }
  return bytes;
}

}  // namespace kiln
