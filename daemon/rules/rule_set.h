// RuleSet: rules, and what else a rule graph is made of, as a value. There is no static
// registration: a backend returns a RuleSet, and the daemon adds them up.
//
//   RuleSet rules() {
//     RuleSet set;
//     set.add<&lint_one>();
//     set.add<&lint_all>();
//     set.member<LintRequest, ShellcheckRequest>();
//     return set;
//   }
//
// Threads: single-owner while it is built, then immutable.
#pragma once

#include <functional>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/rules/options.h"
#include "daemon/rules/rule.h"
#include "daemon/rules/union.h"

namespace kiln::rules {

struct Location {
  std::string file;
  uint32_t line = 0;
  friend bool operator==(const Location&, const Location&) = default;
};
std::string to_string(const Location& location);  // "daemon/backends/shell/lint.cc:12"

// One of the gets that a rule declares.
struct GetDeclaration {
  TypeId product = nullptr;
  std::vector<TypeId> inputs;
  friend bool operator==(const GetDeclaration&, const GetDeclaration&) = default;
};
// "get<Snapshot>(PathGlobs)"
std::string to_string(const GetDeclaration& get);

// What a parameter of a rule is given.
struct Argument {
  const graph::Value* value = nullptr;
  void* effect = nullptr;  // instead, for a side effect
};

enum class RuleKind : uint8_t {
  kRule,
  kIntrinsic,  // built in: asks the graph by itself, for nodes that are no rules
  kGoal,
};

// What is known of a rule without running it: all that the compiler looks at.
struct RuleInfo {
  std::string name;  // unique in a graph, and part of its nodes' keys
  Location where;
  RuleKind kind = RuleKind::kRule;
  TypeId product = nullptr;  // null for a goal
  std::vector<TypeId> arguments;
  std::vector<GetDeclaration> gets;
  bool uncacheable = false;  // runs once in every run that asks
  std::string summary;       // of a goal, for its help
};

struct RuleDefinition {
  RuleInfo info;
  // Of a rule or a goal: begins one application. The arguments outlive it.
  std::function<RuleBody(std::span<const Argument>)> start;
  // Of an intrinsic.
  std::function<Task<Result<graph::Computed>>(graph::Context&, std::span<const Argument>)> compute;
};

// What a client may ask for by type.
struct QueryDeclaration {
  GetDeclaration get;
  Location where;
};

struct UnionMember {
  TypeId base = nullptr;
  TypeId member = nullptr;
  Location where;
  std::shared_ptr<const void> what;  // a Base::Member
};

// A param that every root begins with and that follows from the rule set itself.
struct Constant {
  TypeId type = nullptr;
  std::function<Param(std::span<const UnionMember>)> make;
};

struct RuleOptions {
  bool uncacheable = false;
};

namespace internal {

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

template <class F>
struct RuleTraits {
  static_assert(kNever<F>,
                "a rule is a coroutine that returns a Rule<Out, Gets<…>>, and a goal one "
                "that returns a GoalRule<Gets<…>>");
};
template <class Out, class G, class... Arguments>
struct RuleTraits<Rule<Out, G> (*)(Arguments...)> {
  static constexpr RuleKind kKind = RuleKind::kRule;
  static TypeId product() { return type_of<Out>(); }
  static std::vector<TypeId> arguments() { return {type_of<std::remove_cvref_t<Arguments>>()...}; }
  static std::vector<GetDeclaration> gets() { return declarations(G{}); }
  template <auto F, size_t... I>
  static RuleBody call(std::span<const Argument> given, std::index_sequence<I...>) {
    return F(pass<Arguments>(given[I])...).body();
  }
  using Indices = std::index_sequence_for<Arguments...>;
};
template <class G, class... Arguments>
struct RuleTraits<GoalRule<G> (*)(Arguments...)> {
  static constexpr RuleKind kKind = RuleKind::kGoal;
  static TypeId product() { return nullptr; }
  static std::vector<TypeId> arguments() { return {type_of<std::remove_cvref_t<Arguments>>()...}; }
  static std::vector<GetDeclaration> gets() { return declarations(G{}); }
  template <auto F, size_t... I>
  static RuleBody call(std::span<const Argument> given, std::index_sequence<I...>) {
    return F(pass<Arguments>(given[I])...).body();
  }
  using Indices = std::index_sequence_for<Arguments...>;
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

}  // namespace internal

class RuleSet {
 public:
  // The rule that the coroutine F is, a function that is no template: it is known by its name.
  template <auto F>
  void add(RuleOptions options = {}, std::source_location where = std::source_location::current()) {
    using Traits = internal::RuleTraits<decltype(F)>;
    static_assert(Traits::kKind == RuleKind::kRule, "register a GoalRule with goal()");
    define<F>(internal::rule_name(internal::spelled_name<F>()), options, where);
  }
  // The goal rule F, which clients know as `name`.
  template <auto F>
  void goal(std::string name, std::string summary,
            std::source_location where = std::source_location::current()) {
    using Traits = internal::RuleTraits<decltype(F)>;
    static_assert(Traits::kKind == RuleKind::kGoal, "a goal is a GoalRule");
    define<F>(std::move(name), {}, where).info.summary = std::move(summary);
  }
  // A rule that is built in: `f(graph::Context&, const In&…)` is a Task<Result<Out>>, or, to say
  // for how long the value holds, a Task<Result<graph::Computed>> with an Out in it.
  template <class Signature, class F>
  void intrinsic(std::string name, F f,
                 std::source_location where = std::source_location::current()) {
    Intrinsic<Signature>::define(*this, std::move(name), std::move(f), where);
  }
  // Rules may take UnionMembers<Base>.
  template <UnionBase Base>
  void union_base() {
    constants_.push_back({type_of<UnionMembers<Base>>(), &union_members<Base>});
    add_root(type_of<UnionMembers<Base>>());
  }
  template <UnionBase Base, EngineValue Member>
  void member(std::source_location where = std::source_location::current()) {
    members_.push_back(
        {type_of<Base>(), type_of<Member>(), internal::location(where),
         std::make_shared<const typename Base::Member>(Base::template member<Member>())});
  }
  // Clients may ask for the product Out, giving In…, besides what is given to every root. With a
  // union's base among In…, they may ask with each of its members in its place.
  template <class Signature>
  void query(std::source_location where = std::source_location::current()) {
    queries_.push_back({internal::GetOf<Signature>::declaration(), internal::location(where)});
  }
  // Every goal and query begins with a param of this type: options, what the caller said.
  template <EngineValue T>
  void root() {
    add_root(type_of<T>());
  }
  // The options of a subsystem, which rules may take.
  template <OptionsType T>
  void options() {
    options_.push_back({T::kScope, type_of<T>()});
    add_root(type_of<T>());
  }

  void add_all(RuleSet other);
  // For rules that are not C++ functions. The name must be new.
  RuleDefinition& define(RuleDefinition definition);
  void define(QueryDeclaration query) { queries_.push_back(std::move(query)); }
  void define(UnionMember member) { members_.push_back(std::move(member)); }
  void add_root(TypeId type);
  // Makes of each query with a union's base one for each member, but for those that are declared in
  // so many words.
  void expand_union_queries();

  const std::vector<std::shared_ptr<const RuleDefinition>>& rules() const { return rules_; }
  const std::vector<QueryDeclaration>& queries() const { return queries_; }
  const std::vector<UnionMember>& members() const { return members_; }
  const std::vector<OptionScope>& option_scopes() const { return options_; }
  const std::vector<Constant>& constants() const { return constants_; }
  const std::vector<TypeId>& roots() const { return roots_; }

 private:
  template <class Signature>
  struct Intrinsic;

  template <auto F>
  RuleDefinition& define(std::string name, RuleOptions options, const std::source_location& where) {
    using Traits = internal::RuleTraits<decltype(F)>;
    RuleDefinition definition;
    definition.info = {.name = std::move(name),
                       .where = internal::location(where),
                       .kind = Traits::kKind,
                       .product = Traits::product(),
                       .arguments = Traits::arguments(),
                       .gets = Traits::gets(),
                       .uncacheable = options.uncacheable,
                       .summary = {}};
    definition.start = [](std::span<const Argument> arguments) {
      return Traits::template call<F>(arguments, typename Traits::Indices());
    };
    return define(std::move(definition));
  }
  template <UnionBase Base>
  static Param union_members(std::span<const UnionMember> all) {
    UnionMembers<Base> members;
    for (const UnionMember& declared : all) {
      if (declared.base != type_of<Base>()) continue;
      const auto& what = *static_cast<const typename Base::Member*>(declared.what.get());
      members.members.push_back({declared.member, what});
    }
    return make_param(std::move(members));
  }

  std::vector<std::shared_ptr<const RuleDefinition>> rules_;
  std::vector<QueryDeclaration> queries_;
  std::vector<UnionMember> members_;
  std::vector<OptionScope> options_;
  std::vector<Constant> constants_;
  std::vector<TypeId> roots_;
};

template <class Out, class... In>
struct RuleSet::Intrinsic<Out(In...)> {
  template <class F>
  static void define(RuleSet& set, std::string name, F f, const std::source_location& where) {
    RuleDefinition definition;
    definition.info = {.name = std::move(name),
                       .where = internal::location(where),
                       .kind = RuleKind::kIntrinsic,
                       .product = type_of<Out>(),
                       .arguments = {type_of<In>()...},
                       .gets = {},
                       .uncacheable = false,
                       .summary = {}};
    definition.compute = [f = std::move(f)](graph::Context& context,
                                            std::span<const Argument> given) {
      return call(f, context, given, std::index_sequence_for<In...>());
    };
    set.define(std::move(definition));
  }

 private:
  template <class F, size_t... I>
  static Task<Result<graph::Computed>> call(const F& f, graph::Context& context,
                                            std::span<const Argument> given,
                                            std::index_sequence<I...>) {
    auto task = f(context, internal::pass<const In&>(given[I])...);
    if constexpr (std::is_same_v<decltype(task), Task<Result<graph::Computed>>>) {
      return task;
    } else {
      return boxed(std::move(task));
    }
  }
  static Task<Result<graph::Computed>> boxed(Task<Result<Out>> task) {
    KILN_CO_ASSIGN(Out value, co_await std::move(task));
    co_return graph::Computed{graph::make_value<Out>(std::move(value)), graph::Validity::kForever};
  }
};

}  // namespace kiln::rules
