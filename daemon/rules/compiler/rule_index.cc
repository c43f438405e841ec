#include "daemon/rules/compiler/rule_index.h"

#include <algorithm>

namespace kiln::rules {

namespace {

// Of a get of a union's base, which the engine answers by the member that it is given.
bool is_union_get(const GetDeclaration& get) {
  return get.inputs.size() == 1 && get.inputs.front()->union_base;
}

}  // namespace

RuleIndex::RuleIndex(const RuleSet& set, const Declarations& declarations) {
  // Params get their numbers first: an ask is told at its birth whether a param may answer it.
  for (const UnionMember* member : declarations.members) {
    members_[member->base].push_back(member->member);
    number(member->member);
  }
  for (const TypeId type : set.roots()) number(type);
  for (const QueryDeclaration* query : declarations.queries) {
    for (const TypeId type : query->get.inputs) number(type);
  }
  for (const RuleDefinition* rule : declarations.rules) {
    for (const GetDeclaration& get : rule->info.gets) {
      if (is_union_get(get)) continue;
      for (const TypeId type : get.inputs) number(type);
    }
  }
  rules_.reserve(declarations.rules.size());
  for (const RuleDefinition* rule : declarations.rules) add_rule(*rule);
  add_roots(set, declarations);
  find_reach();
}

ParamId RuleIndex::number(TypeId type) {
  const auto [at, is_new] = numbers_.emplace(type, static_cast<ParamId>(params_.size()));
  if (is_new) params_.push_back(type);
  return at->second;
}

std::optional<ParamId> RuleIndex::param(TypeId type) const {
  const auto at = numbers_.find(type);
  return at == numbers_.end() ? std::nullopt : std::optional(at->second);
}

AskId RuleIndex::intern(TypeId product, const std::vector<TypeId>& inputs, bool params_only) {
  ParamSet given;
  for (const TypeId type : inputs) given.add(number(type));
  const auto [at, is_new] =
      ask_ids_.emplace(std::tuple(product, given, params_only), static_cast<AskId>(asks_.size()));
  if (is_new) {
    Ask& ask = asks_.emplace_back();
    ask.product = product;
    ask.params_only = params_only;
    ask.param = param(product);
    if (ask.param) {
      ParamSet only;
      only.add(*ask.param);
      if (only.contains_all(given)) {
        ask.reach = only;
      } else {
        ask.param.reset();
      }
    }
    ask.inputs = std::move(given);
  }
  return at->second;
}

void RuleIndex::add_rule(const RuleDefinition& definition) {
  const RuleInfo& info = definition.info;
  const auto id = static_cast<RuleId>(rules_.size());
  IndexedRule& rule = rules_.emplace_back();
  rule.definition = &definition;
  for (uint32_t i = 0; i < info.arguments.size(); ++i) {
    if (info.kind == RuleKind::kGoal && info.arguments[i]->side_effect) continue;
    const bool params_only = info.kind == RuleKind::kIntrinsic;
    rule.slots.push_back({false, i, nullptr, intern(info.arguments[i], {}, params_only)});
  }
  rule.arguments = rule.slots.size();
  for (uint32_t i = 0; i < info.gets.size(); ++i) {
    const GetDeclaration& get = info.gets[i];
    if (!is_union_get(get)) {
      rule.slots.push_back({true, i, nullptr, intern(get.product, get.inputs)});
      continue;
    }
    for (const TypeId member : members_[get.inputs.front()]) {
      rule.slots.push_back({true, i, member, intern(get.product, {member})});
    }
  }
  if (info.kind != RuleKind::kGoal) by_product_[info.product].push_back(id);
}

void RuleIndex::add_roots(const RuleSet& set, const Declarations& declarations) {
  const auto add = [&](IndexedRoot root, const std::vector<TypeId>& inputs) {
    root.scope = inputs;
    for (const TypeId type : set.roots()) {
      if (std::find(inputs.begin(), inputs.end(), type) == inputs.end()) root.scope.push_back(type);
    }
    for (const TypeId type : root.scope) root.params.add(number(type));
    roots_.push_back(std::move(root));
  };
  for (RuleId id = 0; id < rules_.size(); ++id) {
    if (rules_[id].info().kind == RuleKind::kGoal) add({.goal = id}, {});
  }
  for (const QueryDeclaration* query : declarations.queries) {
    add({.query = query, .ask = intern(query->get.product, query->get.inputs)}, query->get.inputs);
  }
}

const std::vector<RuleId>& RuleIndex::rules_for(TypeId product) const {
  static const std::vector<RuleId> kNone;
  const auto at = by_product_.find(product);
  return at == by_product_.end() ? kNone : at->second;
}

void RuleIndex::find_reach() {
  absl::flat_hash_map<TypeId, std::vector<AskId>> asks_for;
  std::vector<std::vector<RuleId>> askers(asks_.size());
  std::vector<AskId> grown;  // may hold an ask more than once
  for (AskId id = 0; id < asks_.size(); ++id) {
    if (!asks_[id].params_only) asks_for[asks_[id].product].push_back(id);
    if (!asks_[id].reach.empty()) grown.push_back(id);
  }
  for (RuleId id = 0; id < rules_.size(); ++id) {
    for (const Slot& slot : rules_[id].slots) askers[slot.ask].push_back(id);
  }
  // What a rule reaches, those reach that it is an answer to: if it reaches their inputs.
  const auto answer = [&](const IndexedRule& rule) {
    if (rule.info().kind == RuleKind::kGoal) return;
    for (const AskId id : asks_for[rule.info().product]) {
      if (!rule.reach.contains_all(asks_[id].inputs)) continue;
      if (asks_[id].reach.add_all(rule.reach)) grown.push_back(id);
    }
  };
  while (!grown.empty()) {
    const AskId id = grown.back();
    grown.pop_back();
    const ParamSet beyond = asks_[id].reach.minus(asks_[id].inputs);
    for (const RuleId asker : askers[id]) {
      if (rules_[asker].reach.add_all(beyond)) answer(rules_[asker]);
    }
  }
  for (Ask& ask : asks_) {
    if (ask.params_only) continue;
    for (const RuleId id : rules_for(ask.product)) {
      if (rules_[id].reach.contains_all(ask.inputs)) ask.answers.push_back(id);
    }
  }
}

std::vector<TypeId> RuleIndex::types(const ParamSet& set) const {
  std::vector<TypeId> types;
  types.reserve(set.size());
  set.for_each([&](ParamId id) { types.push_back(params_[id]); });
  std::sort(types.begin(), types.end(), [](TypeId a, TypeId b) { return a->name < b->name; });
  return types;
}

}  // namespace kiln::rules
