// Types of the rule graph: nominal, known by a stable name.
//
// What:    `type_of<T>()` is the identity of an engine type, one address for each T. Matching is
//          exact: a newtype is another type. An engine value has a name, `==` and a canonical
//          encoding; for a person, and for clients that speak JSON, it is read and written through
//          its fields.
// Threads: immutable.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "daemon/graph/value.h"
#include "daemon/rules/engine_aware.h"
#include "daemon/rules/values/encoding.h"
#include "daemon/rules/values/members.h"
#include "daemon/rules/values/value_reader.h"
#include "daemon/rules/values/value_writer.h"

namespace kiln::rules {

// The name under which a type is known: its kTypeName, or a specialization of this.
template <class T>
struct TypeName;
template <class T>
  requires requires { T::kTypeName; }
struct TypeName<T> {
  static constexpr std::string_view value = T::kTypeName;
};
template <>
struct TypeName<int> {
  static constexpr std::string_view value = "int";
};
template <>
struct TypeName<int64_t> {
  static constexpr std::string_view value = "int64";
};
template <>
struct TypeName<bool> {
  static constexpr std::string_view value = "bool";
};
template <>
struct TypeName<std::string> {
  static constexpr std::string_view value = "str";
};
template <>
struct TypeName<FileDigest> {
  static constexpr std::string_view value = "FileDigest";
};

// What may be a product or a param.
template <class T>
concept EngineValue = std::equality_comparable<T> && Encodable<T> && std::copy_constructible<T> &&
                      requires { TypeName<T>::value; };

// What only a goal rule may take: through it things happen (a terminal, the workspace). It declares
// `static constexpr bool kSideEffect = true`.
template <class T>
concept SideEffect = requires { requires T::kSideEffect; };

// A param that means something during one run only. It declares
// `static constexpr bool kSessionScoped = true`; what consumes it holds for this run only.
template <class T>
concept SessionScoped = requires { requires T::kSessionScoped; };

struct Type {
  std::string_view name;
  bool side_effect = false;
  bool session_scoped = false;
  // A base of a union: a get of it goes to the rule for the member that it is given.
  bool union_base = false;
  Hash128 (*hash)(const graph::Value&) = nullptr;
  // The structs of its values, itself first, whose fields leave members out. Null: nobody can say.
  std::vector<Unlisted> (*find_unlisted)() = nullptr;
  // For a person or a client. Null: it has no such form.
  void (*write)(ValueWriter&, const graph::Value&) = nullptr;
  Result<graph::ValueRef> (*read)(ValueReader&) = nullptr;
  // Of engine-aware values. Null: it says nothing; it always is.
  trace::Level level = trace::Level::kDebug;
  std::string (*title)(const graph::Value&) = nullptr;
  void (*annotate)(const graph::Value&, trace::Annotation&) = nullptr;
  bool (*cacheable)(const graph::Value&) = nullptr;
};
using TypeId = const Type*;

template <class T>
concept UnionBase = requires { requires T::kUnionBase; };

namespace internal {

template <class T>
Hash128 hash_boxed(const graph::Value& value) {
  Encoder out;
  encode_value(out, graph::value_as<T>(value));
  return out.hash();
}
template <class T>
void write_boxed(ValueWriter& out, const graph::Value& value) {
  write_value(out, graph::value_as<T>(value));
}
template <class T>
Result<graph::ValueRef> read_boxed(ValueReader& in) {
  T value{};
  KILN_TRY(read_value(in, value));
  return graph::make_value(std::move(value));
}

template <class T>
constexpr Type make_type() {
  Type type;
  type.name = TypeName<T>::value;
  type.side_effect = SideEffect<T>;
  type.session_scoped = SessionScoped<T>;
  type.union_base = UnionBase<T>;
  if constexpr (EngineValue<T>) type.hash = &hash_boxed<T>;
  if constexpr (Searchable<T>) type.find_unlisted = &find_unlisted<T>;
  if constexpr (Writable<T>) type.write = &write_boxed<T>;
  if constexpr (Readable<T>) type.read = &read_boxed<T>;
  if constexpr (requires { T::kLevel; }) type.level = T::kLevel;
  if constexpr (Titled<T>) type.title = &title_boxed<T>;
  if constexpr (EngineAware<T>) type.annotate = &annotate_boxed<T>;
  if constexpr (SaysWhetherCacheable<T>) type.cacheable = &cacheable_boxed<T>;
  return type;
}
template <class T>
inline constexpr Type kType = make_type<T>();

}  // namespace internal

template <class T>
constexpr TypeId type_of() {
  return &internal::kType<T>;
}

// The value as a person reads it: `PathGlobs{globs: ["a/**"]}`, shortened to about `limit` bytes.
std::string describe_value(TypeId type, const graph::Value& value, size_t limit = 120);

}  // namespace kiln::rules
