// Engine values written as trees of names and scalars: how they reach people, JSON and other
// languages. This is the form to read; the canonical encoding is the form to hash.
//
// What:    write_value() walks a value by the fields it lists (encoding.h says how) and calls a
//          ValueWriter.
// Threads: single-owner.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/rules/values/encoding.h"

namespace kiln::rules {

class ValueWriter {
 public:
  virtual ~ValueWriter() = default;
  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  virtual void integer(int64_t value) = 0;
  virtual void number(double value) = 0;
  virtual void text(std::string_view value) = 0;
  // One of the names of an enum.
  virtual void choice(std::string_view name, std::span<const std::string_view> names) = 0;
  // Elements follow, each as one value; then end().
  virtual void begin_list() = 0;
  // Members follow, each as member(name) and one value; then end().
  virtual void begin_record() = 0;
  virtual void member(std::string_view name) = 0;
  virtual void end() = 0;
};

inline void write_value(ValueWriter& out, bool value) { out.boolean(value); }
template <std::integral T>
  requires(!std::is_same_v<T, bool>)
void write_value(ValueWriter& out, T value) {
  out.integer(static_cast<int64_t>(value));
}
template <class T>
  requires std::is_enum_v<T>
void write_value(ValueWriter& out, T value) {
  const auto number = static_cast<int64_t>(value);
  if constexpr (HasNames<T>) {
    static constexpr auto kNames = enum_names(T());
    if (std::in_range<size_t>(number) && static_cast<size_t>(number) < kNames.size()) {
      out.choice(kNames[static_cast<size_t>(number)], kNames);
      return;
    }
  }
  out.integer(number);
}
inline void write_value(ValueWriter& out, const std::string& value) { out.text(value); }
inline void write_value(ValueWriter& out, const RelPath& value) { out.text(value.str()); }
template <class Tag>
void write_value(ValueWriter& out, const BasicDigest<Tag>& value) {
  out.text(to_string(value));
}
template <HasFields T>
void write_value(ValueWriter& out, const T& value);
template <class T>
void write_value(ValueWriter& out, const std::vector<T>& values);
template <class T>
void write_value(ValueWriter& out, const std::optional<T>& value);
template <class V>
void write_value(ValueWriter& out, const std::map<std::string, V>& values);

template <HasFields T>
void write_value(ValueWriter& out, const T& value) {
  out.begin_record();
  T::fields(value, [&out](std::string_view name, const auto& field) {
    out.member(name);
    write_value(out, field);
  });
  out.end();
}
template <class T>
void write_value(ValueWriter& out, const std::vector<T>& values) {
  out.begin_list();
  for (const T& value : values) write_value(out, value);
  out.end();
}
template <class T>
void write_value(ValueWriter& out, const std::optional<T>& value) {
  if (value) {
    write_value(out, *value);
  } else {
    out.null();
  }
}
template <class V>
void write_value(ValueWriter& out, const std::map<std::string, V>& values) {
  out.begin_record();
  for (const auto& [name, value] : values) {
    out.member(name);
    write_value(out, value);
  }
  out.end();
}

template <class T>
concept Writable = requires(ValueWriter& out, const T& value) { write_value(out, value); };

}  // namespace kiln::rules
