// How many members an aggregate has, and how many of them it lists as fields: a member that is not
// listed is in no encoding, and values that differ only there would be one key.
// Threads: pure functions.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <type_traits>
#include <utility>

#include "daemon/rules/values/encoding.h"

namespace kiln::rules::internal {

struct Anything {
  template <class T>
  operator T() const {  // NOLINT: that it is implicit is its use
    std::abort();       // never called
  }
};
template <class T, size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), Anything())...}; };
}
// As many as it can be initialized with.
template <class T, size_t kKnown = 0>
constexpr size_t members() {
  if constexpr (takes<T>(std::make_index_sequence<kKnown + 1>())) {
    return members<T, kKnown + 1>();
  } else {
    return kKnown;
  }
}

template <class T>
concept Countable = HasFields<T> && std::is_aggregate_v<T> && std::default_initializable<T>;

template <Countable T>
size_t unlisted_members() {
  size_t listed = 0;
  const T value{};
  T::fields(value, [&listed](std::string_view, const auto&) { ++listed; });
  return listed < members<T>() ? members<T>() - listed : 0;
}

}  // namespace kiln::rules::internal
