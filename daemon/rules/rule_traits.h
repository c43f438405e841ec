// What the type of a function says of the rule that it is: for RuleSet, which registers it.
// Threads: pure functions.
#pragma once

#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/rules/definitions.h"
#include "daemon/rules/rule.h"

namespace kiln::rules::internal {

template <class Signature>
struct GetOf;
template <class Out, class... In>
struct GetOf<Out(In...)> {
  static GetDeclaration declaration() { return {type_of<Out>(), {type_of<In>()...}}; }
};
template <class... Signatures>
std::vector<GetDeclaration> declarations(Gets<Signatures...>) {
  return {GetOf<Signatures>::declaration()...};
}

template <class T>
T pass(const Argument& argument) {
  using Plain = std::remove_cvref_t<T>;
  if constexpr (SideEffect<Plain>) {
    return *static_cast<Plain*>(argument.effect);
  } else {
    return static_cast<const graph::Boxed<Plain>&>(*argument.value).get();
  }
}

// Of a goal, Product is void.
template <RuleKind kind, class Product, class G, class... Arguments>
struct CoroutineTraits {
  static constexpr RuleKind kKind = kind;
  static TypeId product() {
    if constexpr (std::is_void_v<Product>) {
      return nullptr;
    } else {
      return type_of<Product>();
    }
  }
  static std::vector<TypeId> arguments() { return {type_of<std::remove_cvref_t<Arguments>>()...}; }
  static std::vector<GetDeclaration> gets() { return declarations(G{}); }
  template <auto F>
  static RuleBody start(std::span<const Argument> given) {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return F(pass<Arguments>(given[I])...).body();
    }(std::index_sequence_for<Arguments...>());
  }
};

template <class F>
struct RuleTraits {
  static_assert(kNever<F>,
                "a rule is a coroutine that returns a Rule<Out, Gets<…>>, and a goal one "
                "that returns a GoalRule<Gets<…>>");
};
template <class Out, class G, class... Arguments, bool kNoexcept>
struct RuleTraits<Rule<Out, G> (*)(Arguments...) noexcept(kNoexcept)>
    : CoroutineTraits<RuleKind::kRule, Out, G, Arguments...> {};
template <class G, class... Arguments, bool kNoexcept>
struct RuleTraits<GoalRule<G> (*)(Arguments...) noexcept(kNoexcept)>
    : CoroutineTraits<RuleKind::kGoal, void, G, Arguments...> {};

template <class Signature>
struct IntrinsicTraits;
template <class Out, class... In>
struct IntrinsicTraits<Out(In...)> {
  static TypeId product() { return type_of<Out>(); }
  static std::vector<TypeId> arguments() { return {type_of<In>()...}; }
  template <class F>
  static Task<Result<graph::Computed>> compute(const F& f, graph::Context& context,
                                               std::span<const Argument> given) {
    auto task = [&]<size_t... I>(std::index_sequence<I...>) {
      return f(context, pass<const In&>(given[I])...);
    }(std::index_sequence_for<In...>());
    if constexpr (std::is_same_v<decltype(task), Task<Result<graph::Computed>>>) {
      return task;
    } else {
      return boxed(std::move(task));
    }
  }

 private:
  static Task<Result<graph::Computed>> boxed(Task<Result<Out>> task) {
    KILN_CO_ASSIGN(Out value, co_await std::move(task));
    co_return graph::Computed{graph::make_value<Out>(std::move(value)), graph::Validity::kForever};
  }
};

// The name of the function F, as the compiler spells it in this function's own name.
template <auto F>
constexpr std::string_view spelled_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("F = ") + 4);
  if (text.front() == '&') text.remove_prefix(1);
  return text.substr(0, text.size() - 1);
}
// "kiln::shell::lint_one" of "kiln::shell::(anonymous namespace)::lint_one".
std::string rule_name(std::string_view spelled);

Location location(const std::source_location& where);

}  // namespace kiln::rules::internal
