// Engine values read from trees of names and scalars that somebody else wrote: JSON, options.
//
// What:    read_value() fills a value by the fields it lists (encoding.h says how) from a
//          ValueReader. Fields that are not given keep their defaults.
// Threads: single-owner.
// Fails:   names the field that is unknown or of another kind.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "daemon/rules/values/encoding.h"

namespace kiln::rules {

// One value of a tree that somebody else wrote.
class ValueReader {
 public:
  virtual ~ValueReader() = default;
  virtual bool is_null() const = 0;
  virtual Result<bool> boolean() const = 0;
  virtual Result<int64_t> integer() const = 0;
  virtual Result<double> number() const = 0;
  virtual Result<std::string> text() const = 0;
  using Visit = std::function<Result<void>(ValueReader&)>;
  using VisitMember = std::function<Result<void>(std::string_view name, ValueReader&)>;
  // Stops at the first error, which it returns with the place added.
  virtual Result<void> elements(const Visit& visit) = 0;
  virtual Result<void> members(const VisitMember& visit) = 0;
};

template <class T, class Read>
Result<void> read_scalar(Result<Read> read, T& value) {
  if (!read.ok()) return read.error();
  value = static_cast<T>(*std::move(read));
  return {};
}
inline Result<void> read_value(ValueReader& in, bool& value) {
  return read_scalar(in.boolean(), value);
}
// "3000000000 is out of range"
Error out_of_range(int64_t value);
template <std::integral T>
  requires(!std::is_same_v<T, bool>)
Result<void> read_value(ValueReader& in, T& value) {
  KILN_ASSIGN(const int64_t read, in.integer());
  if (!std::in_range<T>(read)) return out_of_range(read);
  value = static_cast<T>(read);
  return {};
}
// The place of the next text among the names; else an error that lists them.
Result<size_t> read_choice(ValueReader& in, std::span<const std::string_view> names);
template <HasNames T>
Result<void> read_value(ValueReader& in, T& value) {
  static constexpr auto kNames = enum_names(T());
  KILN_ASSIGN(const size_t place, read_choice(in, kNames));
  value = static_cast<T>(place);
  return {};
}
template <class T>
  requires(std::is_enum_v<T> && !HasNames<T>)
Result<void> read_value(ValueReader& in, T& value) {
  std::underlying_type_t<T> number{};
  KILN_TRY(read_value(in, number));
  value = static_cast<T>(number);
  return {};
}
inline Result<void> read_value(ValueReader& in, std::string& value) {
  return read_scalar(in.text(), value);
}
inline Result<void> read_value(ValueReader& in, RelPath& value) {
  KILN_ASSIGN(const std::string text, in.text());
  KILN_ASSIGN(value, RelPath::parse(text));
  return {};
}
inline Result<void> read_value(ValueReader& in, Digest& value) {
  KILN_ASSIGN(const std::string text, in.text());
  KILN_ASSIGN(value, parse_digest(text));
  return {};
}
inline Result<void> read_value(ValueReader& in, FileDigest& value) {
  KILN_ASSIGN(const std::string text, in.text());
  KILN_ASSIGN(value, parse_file_digest(text));
  return {};
}
// A member that is not given keeps its default; one that does not exist is an error.
template <HasFields T>
Result<void> read_value(ValueReader& in, T& value);
template <class T>
Result<void> read_value(ValueReader& in, std::vector<T>& values);
template <class T>
Result<void> read_value(ValueReader& in, std::optional<T>& value);
template <class V>
Result<void> read_value(ValueReader& in, std::map<std::string, V>& values);

// "no field `glob`; there are globs, origin"
Error unknown_field(std::string_view name, const std::vector<std::string_view>& known);

template <HasFields T>
Result<void> read_value(ValueReader& in, T& value) {
  return in.members([&](std::string_view name, ValueReader& member) -> Result<void> {
    std::optional<Result<void>> result;
    std::vector<std::string_view> known;
    T::fields(value, [&](std::string_view field, auto& target) {
      known.push_back(field);
      if (field == name) result = read_value(member, target);
    });
    if (!result) return unknown_field(name, known);
    return *std::move(result);
  });
}
template <class T>
Result<void> read_value(ValueReader& in, std::vector<T>& values) {
  values.clear();
  return in.elements(
      [&](ValueReader& element) { return read_value(element, values.emplace_back()); });
}
template <class T>
Result<void> read_value(ValueReader& in, std::optional<T>& value) {
  value.reset();
  return in.is_null() ? Result<void>() : read_value(in, value.emplace());
}
template <class V>
Result<void> read_value(ValueReader& in, std::map<std::string, V>& values) {
  values.clear();
  return in.members([&](std::string_view name, ValueReader& member) {
    return read_value(member, values[std::string(name)]);
  });
}

template <class T>
concept Readable = std::default_initializable<T> && requires(ValueReader& in, T& value) {
  { read_value(in, value) } -> std::same_as<Result<void>>;
};

}  // namespace kiln::rules
