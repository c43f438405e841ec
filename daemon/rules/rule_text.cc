#include "daemon/rules/rule_text.h"

#include <algorithm>
#include <tuple>

#include "daemon/rules/compiler/bound_want.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(RuleKind kind) {
  switch (kind) {
    case RuleKind::kRule:
      return "rule";
    case RuleKind::kIntrinsic:
      return "intrinsic";
    case RuleKind::kGoal:
      return "goal";
  }
  return "";
}

// Without its namespace: where it is written stands beside it.
std::string bare_name(const RuleInfo& info) {
  const size_t colons = info.name.rfind("::");
  return colons == std::string::npos ? info.name : info.name.substr(colons + 2);
}

}  // namespace

std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json names_of(const std::vector<TypeId>& types) {
  Json names = Json::array();
  for (const TypeId type : types) names.push_back(type->name);
  return names;
}

Json as_json(const RuleInfo& info) {
  Json gets = Json::array();
  for (const GetDeclaration& get : info.gets) {
    gets.push_back({{"product", get.product->name}, {"inputs", names_of(get.inputs)}});
  }
  return {{"name", info.name},
          {"kind", name_of(info.kind)},
          {"product", info.product == nullptr ? Json() : Json(info.product->name)},
          {"params", names_of(info.arguments)},
          {"gets", std::move(gets)},
          {"file", info.where.file},
          {"line", info.where.line},
          {"uncacheable", info.uncacheable},
          {"summary", info.summary}};
}

std::string remarks(const RuleInfo& info) {
  std::string text = "  " + to_string(info.where);
  if (info.kind == RuleKind::kIntrinsic) text += ", built in";
  if (info.uncacheable) text += ", runs once in every run";
  return text;
}

std::string titled_name(const RuleInfo& info) {
  return (info.kind == RuleKind::kGoal ? "goal " : "") + bare_name(info);
}

std::string signature(const RuleInfo& info) {
  return bare_name(info) + "(" + type_names(info.arguments) + ")";
}

std::string bare_text(const Entry& entry) {
  return bare_name(entry.rule.info) + "(" + type_names(entry.params) + ")";
}

std::vector<const RuleInfo*> sorted_rules(const RuleGraph& graph) {
  std::vector<const RuleInfo*> rules;
  for (const auto& rule : graph.rules().rules()) rules.push_back(&rule->info);
  const auto key = [](const RuleInfo* info) {
    const std::string_view product = info->product == nullptr ? "" : info->product->name;
    return std::tuple(product, std::string_view(info->name), info);
  };
  std::sort(rules.begin(), rules.end(), [&](auto* a, auto* b) { return key(a) < key(b); });
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  return rules;
}

}  // namespace kiln::rules
