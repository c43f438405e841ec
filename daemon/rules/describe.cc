#include "daemon/rules/describe.h"

#include "daemon/rules/rule_text.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

std::string list_rules(const RuleGraph& graph, DescribeAs form) {
  return form == DescribeAs::kText ? list_as_text(graph) : dumped(list_as_json(graph));
}

}  // namespace kiln::rules
