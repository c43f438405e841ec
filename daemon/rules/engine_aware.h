// Engine-aware values: a product may say how its rule's work is told, and whether it is remembered;
// a param, what the work for it is called.
//
// What:    all of these members are optional. Of a product:
//
//            static constexpr trace::Level kLevel;   at which its work is told; else debug
//            trace::Level level() const;      the same, once there is a value
//            std::string message() const;     "shellcheck: 2 findings in 3 files"
//            … metadata() const;              names and texts: a trace::Metadata, or a map
//            … artifacts() const;             names and Digests of trees in the store: a map
//            bool cacheable() const;          false: it holds for this run only
//
//          Of a param that rules take first:
//
//            std::string title() const;  "Compile src/main.c"; else the rule and the param
//
// Threads: pure functions of immutable values.
#pragma once

#include <optional>

#include "daemon/graph/function.h"
#include "daemon/trace/annotation.h"

namespace kiln::rules {

template <class T>
concept EngineAware =
    requires(const T& value) { value.level(); } || requires(const T& value) { value.message(); } ||
    requires(const T& value) { value.metadata(); } ||
    requires(const T& value) { value.artifacts(); };
template <class T>
concept Titled = requires(const T& value) {
  { value.title() } -> std::convertible_to<std::string>;
};
template <class T>
concept SaysWhetherCacheable = requires(const T& value) {
  { value.cacheable() } -> std::same_as<bool>;
};

namespace internal {

template <EngineAware T>
void annotate_boxed(const graph::Value& boxed, trace::Annotation& annotation) {
  const T& value = graph::value_as<T>(boxed);
  if constexpr (requires { value.level(); }) annotation.level = value.level();
  if constexpr (requires { value.message(); }) annotation.message = value.message();
  if constexpr (requires { value.metadata(); }) {
    for (const auto& [name, text] : value.metadata()) annotation.metadata.emplace_back(name, text);
  }
  if constexpr (requires { value.artifacts(); }) {
    for (const auto& [name, digest] : value.artifacts()) {
      annotation.outputs.push_back({name, digest});
    }
  }
}
template <Titled T>
std::string title_boxed(const graph::Value& value) {
  return graph::value_as<T>(value).title();
}
template <SaysWhetherCacheable T>
bool cacheable_boxed(const graph::Value& value) {
  return graph::value_as<T>(value).cacheable();
}

}  // namespace internal

// What a node that is a rule, and its value (null: not yet), say of themselves. Nothing if the
// node is no rule.
std::optional<trace::Annotation> annotate(const graph::Key& key, const graph::Value* value);

}  // namespace kiln::rules
