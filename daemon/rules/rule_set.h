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

#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/definitions.h"
#include "daemon/rules/options.h"
#include "daemon/rules/rule_traits.h"
#include "daemon/rules/union.h"

namespace kiln::rules {

struct RuleOptions {
  bool uncacheable = false;
};

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
  void goal(std::string_view name, std::string_view summary,
            std::source_location where = std::source_location::current()) {
    using Traits = internal::RuleTraits<decltype(F)>;
    static_assert(
        Traits::kKind == RuleKind::kGoal,
        "register a Rule with add(); a goal is a coroutine that returns a GoalRule<Gets<…>>");
    define<F>(name, {}, where).info.summary = summary;
  }
  // A rule that is built in: `f(graph::Context&, const In&…)` is a Task<Result<Out>>, or, to say
  // for how long the value holds, a Task<Result<graph::Computed>> with an Out in it.
  template <class Signature, class F>
  void intrinsic(std::string_view name, F f,
                 std::source_location where = std::source_location::current()) {
    using Traits = internal::IntrinsicTraits<Signature>;
    RuleDefinition definition;
    definition.info = {.name = std::string(name),
                       .where = internal::location(where),
                       .kind = RuleKind::kIntrinsic,
                       .product = Traits::product(),
                       .arguments = Traits::arguments(),
                       .gets = {},
                       .uncacheable = false,
                       .summary = {}};
    definition.compute = [f = std::move(f)](graph::Context& context,
                                            std::span<const Argument> given) {
      return Traits::compute(f, context, given);
    };
    define(std::move(definition));
  }
  // Rules may take UnionMembers<Base>.
  template <class Base>
  void union_base() {
    static_assert(UnionBase<Base>,
                  "the base of a union has a kTypeName, kUnionBase = true, a struct Member and "
                  "member<M>() (see daemon/rules/union.h)");
    constants_.push_back({type_of<UnionMembers<Base>>(), &union_members<Base>});
    add_root(type_of<UnionMembers<Base>>());
  }
  template <class Base, class Member>
  void member(std::source_location where = std::source_location::current()) {
    static_assert(UnionBase<Base>,
                  "member<Base, Member>(): the base of a union has a kTypeName, kUnionBase = true, "
                  "a struct Member and member<M>() (see daemon/rules/union.h)");
    static_assert(EngineValue<Member>,
                  "member<Base, Member>(): a member of a union is an engine value: a kTypeName, == "
                  "and fields (see daemon/rules/values/encoding.h)");
    members_.push_back(
        {type_of<Base>(), type_of<Member>(), internal::location(where),
         std::make_shared<const typename Base::Member>(Base::template member<Member>())});
  }
  // Clients may ask for the product Out, giving In…, besides what is given to every root. With a
  // union's base among In…, they may ask with each of its members in its place.
  template <class Signature>
  void query(std::source_location where = std::source_location::current()) {
    static_assert(internal::CheckSignature<Signature>::kDone);
    queries_.push_back({internal::GetOf<Signature>::declaration(), internal::location(where)});
  }
  // Every goal and query begins with a param of this type: options, what the caller said.
  template <class T>
  void root() {
    static_assert(EngineValue<T>,
                  "what every request begins with is an engine value: a kTypeName, == and fields "
                  "(see daemon/rules/values/encoding.h)");
    add_root(type_of<T>());
  }
  // The options of a subsystem, which rules may take.
  template <class T>
  void options() {
    static_assert(OptionsType<T>,
                  "options are an engine value, a kTypeName, == and fields, with a kScope and a "
                  "default for each field (see daemon/rules/options.h)");
    options_.push_back(option_scope<T>());
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
  template <auto F>
  RuleDefinition& define(std::string_view name, RuleOptions options,
                         const std::source_location& where) {
    using Traits = internal::RuleTraits<decltype(F)>;
    RuleDefinition definition;
    definition.info = {.name = std::string(name),
                       .where = internal::location(where),
                       .kind = Traits::kKind,
                       .product = Traits::product(),
                       .arguments = Traits::arguments(),
                       .gets = Traits::gets(),
                       .uncacheable = options.uncacheable,
                       .summary = {}};
    definition.start = &Traits::template start<F>;
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

}  // namespace kiln::rules
