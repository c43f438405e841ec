// RuleIndex: the rules, by what they return; everything that is asked for, each question once; and
// for each the params that could ever matter to it.
//
// What:    a rule wants what its slots say: its arguments (but side effects) and its gets, with one
//          slot for each member if a get is of a union's base. Slots with the same product and the
//          same inputs share an Ask.
//          `reach` is the union of what any answer, in any scope, consumes: the least sets that
//          hold with every param type in scope and every rule usable. What is beyond the reach of
//          an ask cannot change how it is answered, so a scope is cut down to it. This keeps the
//          scopes of a recursive union few, where there would be one for each subset of its
//          members.
// Owns:    nothing of the RuleSet, which outlives it.
// Threads: immutable.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/rules/compiler/declarations.h"
#include "daemon/rules/param_set.h"

namespace kiln::rules {

using RuleId = uint32_t;
using AskId = uint32_t;

struct Ask {
  TypeId product = nullptr;
  ParamSet inputs;
  bool params_only = false;  // of an intrinsic: no rule is an answer
  // Set if a param may be the answer: one of type `product` that consumes all inputs.
  std::optional<ParamId> param;
  std::vector<RuleId> answers;  // the rules that return `product` and reach all inputs
  ParamSet reach;               // of its answers, inputs included
};

// Something that a rule wants.
struct Slot {
  bool is_get = false;
  uint32_t index = 0;       // of the argument, or of the get
  TypeId member = nullptr;  // the case of a get of a union's base
  AskId ask = 0;
};

struct IndexedRule {
  const RuleDefinition* definition = nullptr;
  std::vector<Slot> slots;  // its arguments', then its gets'
  size_t arguments = 0;     // how many of them are arguments
  ParamSet reach;

  const RuleInfo& info() const { return definition->info; }
};

struct IndexedRoot {
  RuleId goal = 0;                          // if there is no query
  const QueryDeclaration* query = nullptr;  // else it is this, which asks `ask`
  AskId ask = 0;
  std::vector<TypeId> scope;  // as in Root
  ParamSet params;            // the same
};

class RuleIndex {
 public:
  RuleIndex(const RuleSet& set, const Declarations& declarations);

  const std::vector<IndexedRule>& rules() const { return rules_; }
  const std::vector<Ask>& asks() const { return asks_; }
  const std::vector<IndexedRoot>& roots() const { return roots_; }
  const IndexedRule& rule(RuleId id) const { return rules_[id]; }
  const Ask& ask(AskId id) const { return asks_[id]; }

  // Those that return the type.
  const std::vector<RuleId>& rules_for(TypeId product) const;
  // Types that a root, a query or a get gives, by number.
  const std::vector<TypeId>& params() const { return params_; }
  std::optional<ParamId> param(TypeId type) const;

  // In the order of their names.
  std::vector<TypeId> types(const ParamSet& set) const;

 private:
  ParamId number(TypeId type);
  AskId intern(TypeId product, const std::vector<TypeId>& inputs, bool params_only = false);
  void add_rule(const RuleDefinition& rule);
  void add_roots(const RuleSet& set, const Declarations& declarations);
  void find_reach();

  absl::flat_hash_map<TypeId, ParamId> numbers_;
  std::vector<TypeId> params_;
  absl::flat_hash_map<TypeId, std::vector<TypeId>> members_;  // by base
  absl::flat_hash_map<TypeId, std::vector<RuleId>> by_product_;
  absl::flat_hash_map<std::tuple<TypeId, ParamSet, bool>, AskId> ask_ids_;
  std::vector<IndexedRule> rules_;
  std::vector<Ask> asks_;
  std::vector<IndexedRoot> roots_;
};

}  // namespace kiln::rules
