// What a rule asks for: gets, as they are written, and as the engine sees them.
// Threads: values; single-owner.
#pragma once

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "daemon/async/task.h"
#include "daemon/rules/param.h"

namespace kiln::rules {

// What a rule may ask for, as signatures: Out(In…).
template <class... Signatures>
struct Gets {};

namespace internal {
template <class>
inline constexpr bool kNever = false;
template <class Signature>
struct CheckSignature {
  static_assert(kNever<Signature>,
                "what is asked for is written as a signature: Out(In), or Out() for what follows "
                "from the params in scope");
};
template <class Out, class... In>
struct CheckSignature<Out(In...)> {
  static_assert((!std::is_reference_v<Out> && ... && !std::is_reference_v<In>),
                "a signature names types alone: Out(In), not Out(const In&)");
  static_assert(std::is_reference_v<Out> || EngineValue<Out>,
                "what is asked for is an engine value: a kTypeName, == and fields (see "
                "daemon/rules/values/encoding.h)");
  static_assert(((std::is_reference_v<In> || EngineValue<In> || UnionBase<In>)&&...),
                "what a get or a query is given is an engine value, a kTypeName, == and fields "
                "(see daemon/rules/values/encoding.h), or the base of a union");
  static constexpr bool kDone = true;
};
template <class G>
inline constexpr bool kIsGets = false;
template <class... Signatures>
inline constexpr bool kIsGets<Gets<Signatures...>> = (CheckSignature<Signatures>::kDone && ...);
}  // namespace internal

// A value of the graph, kept alive.
template <class T>
class Ref {
 public:
  explicit Ref(graph::ValueRef value) : value_(std::move(value)) {}
  const T& operator*() const { return static_cast<const graph::Boxed<T>&>(*value_).get(); }
  const T* operator->() const { return &**this; }

 private:
  graph::ValueRef value_;
};

// The values of a range of gets, in order.
template <class T>
class Many {
 public:
  explicit Many(std::vector<Ref<T>> values) : values_(std::move(values)) {}

  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(typename std::vector<Ref<T>>::const_iterator at) : at_(at) {}
    const T& operator*() const { return **at_; }
    const T* operator->() const { return &**at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    typename std::vector<Ref<T>>::const_iterator at_;
  };
  Iterator begin() const { return Iterator(values_.begin()); }
  Iterator end() const { return Iterator(values_.end()); }
  size_t size() const { return values_.size(); }
  const T& operator[](size_t i) const { return *values_[i]; }

 private:
  std::vector<Ref<T>> values_;
};

// One get, type-erased: which of the rule's Gets it is, and its inputs.
struct Want {
  uint32_t get = 0;
  bool tolerant = false;  // the rule wants to see an error
  absl::InlinedVector<Param, 1> inputs;
};
using WantAnswer = Result<graph::ValueRef>;

// A get that has been written down and not yet asked.
template <class Out, class... In>
struct [[nodiscard("co_await it")]] Get {
  absl::InlinedVector<Param, 1> inputs;
};
template <class Out, class... In>
struct [[nodiscard("co_await it")]] TryGet {
  absl::InlinedVector<Param, 1> inputs;
};

// A value of some member of the union `Base`.
template <UnionBase Base>
struct MemberOf {
  Param param;
};

namespace internal {
template <class... In>
constexpr void check_inputs() {
  static_assert((EngineValue<In> && ...),
                "what a get is given is an engine value: a kTypeName, == and fields (see "
                "daemon/rules/values/encoding.h)");
}
}  // namespace internal

template <class Out, class... In>
Get<Out, std::remove_cvref_t<In>...> get(In&&... inputs) {
  internal::check_inputs<std::remove_cvref_t<In>...>();
  return {{make_param(std::remove_cvref_t<In>(std::forward<In>(inputs)))...}};
}
template <class Out, UnionBase Base>
Get<Out, Base> get(MemberOf<Base> member) {
  return {{std::move(member.param)}};
}
template <class Out, class... In>
TryGet<Out, std::remove_cvref_t<In>...> try_get(In&&... inputs) {
  internal::check_inputs<std::remove_cvref_t<In>...>();
  return {{make_param(std::remove_cvref_t<In>(std::forward<In>(inputs)))...}};
}
template <class Out, UnionBase Base>
TryGet<Out, Base> try_get(MemberOf<Base> member) {
  return {{std::move(member.param)}};
}

template <class... Asked>
struct [[nodiscard("co_await it")]] All {
  std::tuple<Asked...> asked;
};
template <class Asked>
struct [[nodiscard("co_await it")]] AllOfRange {
  std::vector<Asked> asked;
};

template <class... Asked>
All<Asked...> all(Asked... asked) {
  return {{std::move(asked)...}};
}
template <class Asked>
AllOfRange<Asked> all(std::vector<Asked> asked) {
  return {std::move(asked)};
}

// Something that a goal rule does to the world; done when it is awaited.
struct [[nodiscard("co_await it")]] Effect {
  std::function<Task<Result<void>>()> act;
};

}  // namespace kiln::rules
