#include "daemon/rules/rule_set.h"

#include <algorithm>

namespace kiln::rules {

namespace {

// In any order.
bool same_types(const std::vector<TypeId>& a, const std::vector<TypeId>& b) {
  return a.size() == b.size() && std::is_permutation(a.begin(), a.end(), b.begin());
}

}  // namespace

std::string internal::rule_name(std::string_view spelled) {
  std::string name(spelled);
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  for (size_t at = name.find(kAnonymous); at != std::string::npos; at = name.find(kAnonymous)) {
    name.erase(at, kAnonymous.size());
  }
  return name;
}

Location internal::location(const std::source_location& where) {
  return {where.file_name(), where.line()};
}

RuleDefinition& RuleSet::define(RuleDefinition definition) {
  auto shared = std::make_shared<RuleDefinition>(std::move(definition));
  RuleDefinition& defined = *shared;
  rules_.push_back(std::move(shared));
  return defined;
}

void RuleSet::add_root(TypeId type) {
  if (std::find(roots_.begin(), roots_.end(), type) == roots_.end()) roots_.push_back(type);
}

void RuleSet::expand_union_queries() {
  const auto base_in = [](QueryDeclaration& query) {
    std::vector<TypeId>& inputs = query.get.inputs;
    const auto at =
        std::find_if(inputs.begin(), inputs.end(), [](TypeId i) { return i->union_base; });
    return at == inputs.end() ? nullptr : &*at;
  };
  std::vector<QueryDeclaration> plain;
  std::vector<QueryDeclaration> unions;
  const auto add = [&](QueryDeclaration query) {
    (base_in(query) == nullptr ? plain : unions).push_back(std::move(query));
  };
  const auto is_declared = [&](const QueryDeclaration& query) {
    return std::any_of(plain.begin(), plain.end(), [&](const QueryDeclaration& other) {
      return other.get.product == query.get.product &&
             same_types(other.get.inputs, query.get.inputs);
    });
  };
  for (QueryDeclaration& query : queries_) add(std::move(query));
  while (!unions.empty()) {
    QueryDeclaration query = std::move(unions.back());
    unions.pop_back();
    TypeId& input = *base_in(query);
    const TypeId base = input;
    for (const UnionMember& member : members_) {
      if (member.base != base) continue;
      input = member.member;
      if (!is_declared(query)) add(query);
    }
  }
  queries_ = std::move(plain);
}

void RuleSet::add_all(RuleSet other) {
  std::move(other.rules_.begin(), other.rules_.end(), std::back_inserter(rules_));
  std::move(other.queries_.begin(), other.queries_.end(), std::back_inserter(queries_));
  std::move(other.members_.begin(), other.members_.end(), std::back_inserter(members_));
  std::move(other.options_.begin(), other.options_.end(), std::back_inserter(options_));
  std::move(other.constants_.begin(), other.constants_.end(), std::back_inserter(constants_));
  for (const TypeId type : other.roots_) add_root(type);
}

}  // namespace kiln::rules
