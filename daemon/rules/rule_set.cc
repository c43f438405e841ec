#include "daemon/rules/rule_set.h"

#include <algorithm>

namespace kiln::rules {

std::string to_string(const Location& location) {
  return location.file + ":" + std::to_string(location.line);
}

std::string to_string(const GetDeclaration& get) {
  std::string text = "get<" + std::string(get.product->name) + ">(";
  for (size_t i = 0; i < get.inputs.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(get.inputs[i]->name);
  }
  return text + ")";
}

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

void RuleSet::add_all(RuleSet other) {
  std::move(other.rules_.begin(), other.rules_.end(), std::back_inserter(rules_));
  std::move(other.queries_.begin(), other.queries_.end(), std::back_inserter(queries_));
  std::move(other.members_.begin(), other.members_.end(), std::back_inserter(members_));
  std::move(other.options_.begin(), other.options_.end(), std::back_inserter(options_));
  std::move(other.constants_.begin(), other.constants_.end(), std::back_inserter(constants_));
  for (const TypeId type : other.roots_) add_root(type);
}

}  // namespace kiln::rules
