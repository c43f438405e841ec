// How many members an aggregate has, and how many of them it lists as fields: a member that is not
// listed is in no encoding, and values that differ only there would be one key.
// Threads: pure functions.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/rules/values/encoding.h"

namespace kiln::rules {

// A struct that has more members than it lists.
struct Unlisted {
  const void* type = nullptr;  // the same for the same struct
  std::string name;            // its own, or where it stands: "LintResults.results"
  size_t members = 0;
};

}  // namespace kiln::rules

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

// Of those that are aggregates, members can be counted.
template <class T>
concept Searchable = HasFields<T> && std::default_initializable<T>;

template <Searchable T>
size_t unlisted_members() {
  size_t listed = 0;
  const T value{};
  T::fields(value, [&listed](std::string_view, const auto&) { ++listed; });
  return listed < members<T>() ? members<T>() - listed : 0;
}

// One for each type.
template <class T>
inline constexpr char kIdentity = 0;

// What a field holds: of a list, its elements.
template <class T>
struct Held {
  using First = T;
  using Second = T;
};
template <class T>
struct Held<std::vector<T>> : Held<T> {};
template <class T>
struct Held<std::optional<T>> : Held<T> {};
template <class K, class V>
struct Held<std::map<K, V>> {
  using First = typename Held<K>::First;
  using Second = typename Held<V>::Second;
};

// Structs that leave members out of their fields().
class UnlistedSearch {
 public:
  // A T that stands at `path`, and what it is made of, each type once.
  template <class T>
  void look(const std::string& path) {
    if constexpr (Searchable<T>) {
      if (std::find(seen_.begin(), seen_.end(), &kIdentity<T>) != seen_.end()) return;
      seen_.push_back(&kIdentity<T>);
      const std::string name = name_of<T>(path);
      if constexpr (std::is_aggregate_v<T>) {
        const size_t count = unlisted_members<T>();
        if (count > 0) found_.push_back({&kIdentity<T>, name, count});
      }
      const T value{};
      T::fields(value, [&]<class Field>(std::string_view field, const Field&) {
        look_into<Field>(name + "." + std::string(field));
      });
    }
  }
  std::vector<Unlisted> take() { return std::move(found_); }

 private:
  template <class T>
  static std::string name_of(const std::string& path) {
    if constexpr (requires { T::kTypeName; }) return std::string(T::kTypeName);
    return path;
  }
  template <class Field>
  void look_into(const std::string& path) {
    using First = typename Held<Field>::First;
    using Second = typename Held<Field>::Second;
    look<First>(path);
    if constexpr (!std::is_same_v<First, Second>) look<Second>(path);
  }

  std::vector<const void*> seen_;
  std::vector<Unlisted> found_;
};

template <Searchable T>
std::vector<Unlisted> find_unlisted() {
  UnlistedSearch search;
  search.look<T>("");
  return search.take();
}

}  // namespace kiln::rules::internal
