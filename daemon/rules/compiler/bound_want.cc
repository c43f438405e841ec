#include "daemon/rules/compiler/bound_want.h"

namespace kiln::rules {

std::vector<BoundWant> wants_of(const Entry& entry) {
  const RuleInfo& info = entry.rule.info;
  std::vector<BoundWant> wants;
  for (size_t i = 0; i < info.arguments.size(); ++i) {
    const Supply& supply = entry.arguments[i];
    const bool side_effect = supply.entry == nullptr && supply.params.empty();
    if (!side_effect) wants.push_back({false, info.arguments[i], {}, nullptr, &supply});
  }
  for (size_t i = 0; i < info.gets.size(); ++i) {
    const GetDeclaration& get = info.gets[i];
    for (const GetSupply::Case& answer : entry.gets[i].cases) {
      if (answer.member == nullptr) {
        wants.push_back({true, get.product, get.inputs, nullptr, &answer.supply});
      } else {
        wants.push_back({true, get.product, {answer.member}, get.inputs.front(), &answer.supply});
      }
    }
  }
  return wants;
}

std::string type_names(const std::vector<TypeId>& types) {
  std::string text;
  for (const TypeId type : types) text += (text.empty() ? "" : ", ") + std::string(type->name);
  return text;
}

std::string to_string(const BoundWant& want) {
  const std::string product(want.product->name);
  if (!want.is_get) return "the parameter " + product;
  const std::string base = want.base == nullptr ? "" : std::string(want.base->name) + " = ";
  return "get<" + product + ">(" + base + type_names(want.inputs) + ")";
}

std::string to_string(const Entry& entry) {
  return entry.rule.info.name + "(" + type_names(entry.params) + ")";
}

}  // namespace kiln::rules
