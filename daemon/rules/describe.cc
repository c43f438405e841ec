#include "daemon/rules/describe.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "daemon/rules/bound_want.h"
#include "daemon/rules/nearest.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json names_of(const std::vector<TypeId>& types) {
  Json names = Json::array();
  for (const TypeId type : types) names.push_back(type->name);
  return names;
}

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

// "  fs.cc:40, built in, runs once in every run"
std::string remarks(const RuleInfo& info) {
  std::string text = "  " + to_string(info.where);
  if (info.kind == RuleKind::kIntrinsic) text += ", built in";
  if (info.uncacheable) text += ", runs once in every run";
  return text;
}

std::string signature(const RuleInfo& info) {
  return info.name + "(" + type_names(info.arguments) + ")";
}

// Each rule once, though the set may have been added twice; in the order of products, then names.
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

std::string list_as_text(const RuleGraph& graph) {
  std::string goals;
  std::string rules;
  std::string queries;
  for (const RuleInfo* info : sorted_rules(graph)) {
    const bool goal = info->kind == RuleKind::kGoal;
    std::string& text = goal ? goals : rules;
    text += "  " + (goal ? "" : std::string(info->product->name) + " ← ");
    text += signature(*info) + remarks(*info) + "\n";
    if (!info->summary.empty()) text += "      " + info->summary + "\n";
    for (const GetDeclaration& get : info->gets) text += "      " + to_string(get) + "\n";
  }
  for (const Root& query : graph.queries()) {
    queries += "  " + query.name + "  " + to_string(query.query->where) + "\n";
  }
  std::string text;
  const auto section = [&text](const char* title, const std::string& lines) {
    if (lines.empty()) return;
    text += (text.empty() ? "" : "\n") + std::string(title) + "\n" + lines;
  };
  section("goals", goals);
  section("queries", queries);
  section("rules", rules);
  return text;
}

Json list_as_json(const RuleGraph& graph) {
  Json goals = Json::array();
  Json rules = Json::array();
  Json queries = Json::array();
  for (const RuleInfo* info : sorted_rules(graph)) {
    (info->kind == RuleKind::kGoal ? goals : rules).push_back(as_json(*info));
  }
  for (const Root& query : graph.queries()) {
    queries.push_back({{"name", query.name},
                       {"product", query.query->get.product->name},
                       {"inputs", names_of(query.query->get.inputs)},
                       {"file", query.query->where.file},
                       {"line", query.query->where.line}});
  }
  return {{"goals", std::move(goals)},
          {"queries", std::move(queries)},
          {"rules", std::move(rules)},
          {"roots", names_of(graph.rules().roots())}};
}

// --- one type ---

// Each list without repetitions, in the order of finding.
struct Explanation {
  struct Maker {
    const RuleInfo* rule = nullptr;
    std::vector<const Entry*> entries;
  };
  struct Asker {
    const RuleInfo* rule = nullptr;
    std::string want;
    std::string answer;  // an entry, or "a param"
    auto operator<=>(const Asker&) const = default;
  };
  std::vector<Maker> makers;
  std::vector<Asker> askers;
  std::vector<std::string> queries;
  std::vector<std::string> givers;  // as a param
};

std::set<std::string_view> all_types(const RuleGraph& graph) {
  std::set<std::string_view> names;
  const auto add = [&](const GetDeclaration& get) {
    names.insert(get.product->name);
    for (const TypeId type : get.inputs) names.insert(type->name);
  };
  for (const auto& rule : graph.rules().rules()) {
    if (rule->info.product != nullptr) names.insert(rule->info.product->name);
    for (const TypeId type : rule->info.arguments) names.insert(type->name);
    for (const GetDeclaration& get : rule->info.gets) add(get);
  }
  for (const QueryDeclaration& query : graph.rules().queries()) add(query.get);
  for (const UnionMember& member : graph.rules().members()) {
    names.insert(member.base->name);
    names.insert(member.member->name);
  }
  for (const TypeId type : graph.rules().roots()) names.insert(type->name);
  return names;
}

bool gives(const std::vector<TypeId>& inputs, std::string_view type) {
  return std::any_of(inputs.begin(), inputs.end(), [&](TypeId i) { return i->name == type; });
}

Explanation explanation_of(const RuleGraph& graph, std::string_view type) {
  Explanation found;
  for (const RuleInfo* info : sorted_rules(graph)) {
    if (info->product == nullptr || info->product->name != type) continue;
    Explanation::Maker maker{info, {}};
    for (const auto& entry : graph.entries()) {
      if (&entry->rule.info == info) maker.entries.push_back(entry.get());
    }
    found.makers.push_back(std::move(maker));
  }
  std::set<Explanation::Asker> seen;
  std::set<std::string> givers;
  for (const auto& entry : graph.entries()) {
    for (const BoundWant& want : wants_of(*entry)) {
      if (gives(want.inputs, type)) givers.insert(entry->rule.info.name + ": " + to_string(want));
      if (want.product->name != type) continue;
      const Entry* answer = want.supply->entry;
      Explanation::Asker asker{&entry->rule.info, to_string(want),
                               answer == nullptr ? "a param" : to_string(*answer)};
      if (seen.insert(asker).second) found.askers.push_back(std::move(asker));
    }
  }
  for (const TypeId root : graph.rules().roots()) {
    if (root->name == type) found.givers.emplace_back("every goal and query");
  }
  for (const Root& query : graph.queries()) {
    if (query.query->get.product->name == type) found.queries.push_back(query.name);
    if (gives(query.query->get.inputs, type)) found.givers.push_back("query " + query.name);
  }
  found.givers.insert(found.givers.end(), givers.begin(), givers.end());
  return found;
}

std::string explanation_as_text(std::string_view type, const Explanation& found) {
  std::string text(type);
  text += "\n";
  if (!found.makers.empty()) text += "  made by\n";
  for (const Explanation::Maker& maker : found.makers) {
    text += "    " + signature(*maker.rule) + remarks(*maker.rule) + "\n";
    if (maker.entries.empty()) text += "      in no entry: nothing uses it\n";
    for (const Entry* entry : maker.entries) {
      const std::string of = type_names(entry->params);
      text += "      of " + (of.empty() ? "nothing" : of) + "\n";
    }
  }
  if (!found.givers.empty()) text += "  given as a param by\n";
  for (const std::string& giver : found.givers) text += "    " + giver + "\n";
  if (!found.askers.empty()) text += "  wanted by\n";
  for (const Explanation::Asker& asker : found.askers) {
    text += "    " + asker.rule->name + " (" + to_string(asker.rule->where) + "): " + asker.want +
            " → " + asker.answer + "\n";
  }
  if (!found.queries.empty()) text += "  answered to\n";
  for (const std::string& query : found.queries) text += "    query " + query + "\n";
  return text;
}

Json explanation_as_json(std::string_view type, const Explanation& found) {
  Json makers = Json::array();
  for (const Explanation::Maker& maker : found.makers) {
    Json json = as_json(*maker.rule);
    json["entries"] = Json::array();
    for (const Entry* entry : maker.entries) json["entries"].push_back(names_of(entry->params));
    makers.push_back(std::move(json));
  }
  Json askers = Json::array();
  for (const Explanation::Asker& asker : found.askers) {
    askers.push_back({{"rule", asker.rule->name},
                      {"file", asker.rule->where.file},
                      {"line", asker.rule->where.line},
                      {"want", asker.want},
                      {"answer", asker.answer}});
  }
  return {{"type", type},
          {"made_by", std::move(makers)},
          {"given_by", found.givers},
          {"wanted_by", std::move(askers)},
          {"queries", found.queries}};
}

}  // namespace

std::string list_rules(const RuleGraph& graph, DescribeAs form) {
  return form == DescribeAs::kText ? list_as_text(graph) : dumped(list_as_json(graph));
}

Result<std::string> explain_type(const RuleGraph& graph, std::string_view type, DescribeAs form) {
  const std::set<std::string_view> known = all_types(graph);
  if (!known.contains(type)) {
    const std::vector<std::string_view> names(known.begin(), known.end());
    return user_error(ErrorCode::kNotFound,
                      "no rule knows a type " + std::string(type) + suggestion(type, names));
  }
  const Explanation found = explanation_of(graph, type);
  return form == DescribeAs::kText ? explanation_as_text(type, found)
                                   : dumped(explanation_as_json(type, found));
}

}  // namespace kiln::rules
