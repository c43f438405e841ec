#include <algorithm>
#include <map>
#include <set>

#include "common/types/printable.h"
#include "daemon/rules/compiler/bound_want.h"
#include "daemon/rules/describe.h"
#include "daemon/rules/nearest.h"
#include "daemon/rules/rule_text.h"
#include "daemon/rules/values/type_facts.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

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

std::map<std::string_view, TypeId> all_types(const RuleGraph& graph) {
  std::map<std::string_view, TypeId> types;
  const auto note = [&types](TypeId type) { types.emplace(type->name, type); };
  const auto add = [&](const GetDeclaration& get) {
    note(get.product);
    for (const TypeId type : get.inputs) note(type);
  };
  for (const auto& rule : graph.rules().rules()) {
    if (rule->info.product != nullptr) note(rule->info.product);
    for (const TypeId type : rule->info.arguments) note(type);
    for (const GetDeclaration& get : rule->info.gets) add(get);
  }
  for (const QueryDeclaration& query : graph.rules().queries()) add(query.get);
  for (const UnionMember& member : graph.rules().members()) {
    note(member.base);
    note(member.member);
  }
  for (const TypeId type : graph.rules().roots()) note(type);
  return types;
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
      if (gives(want.inputs, type)) {
        givers.insert(titled_name(entry->rule.info) + ": " + to_string(want));
      }
      if (want.product->name != type) continue;
      const Entry* answer = want.supply->entry;
      Explanation::Asker asker{&entry->rule.info, to_string(want),
                               answer == nullptr ? "a param" : bare_text(*answer)};
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

std::string explanation_as_text(std::string_view type, const TypeFacts& facts,
                                const Explanation& found) {
  std::string text = std::string(type) + "\n" + to_text(facts);
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
    text += "    " + titled_name(*asker.rule) + " (" + to_string(asker.rule->where) +
            "): " + asker.want + " → " + asker.answer + "\n";
  }
  if (!found.queries.empty()) text += "  answered to\n";
  for (const std::string& query : found.queries) text += "    query " + query + "\n";
  return text;
}

Json fields_as_json(const TypeFacts& facts) {
  Json fields = Json::array();
  for (const TypeFacts::Field& field : facts.fields) {
    fields.push_back({{"name", field.name},
                      {"kind", field.kind},
                      {"default", Json::parse(field.initial, nullptr, false)}});
  }
  return fields;
}

Json explanation_as_json(std::string_view type, const TypeFacts& facts, const Explanation& found) {
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
          {"fields", fields_as_json(facts)},
          {"scope", facts.scope},
          {"members", facts.members},
          {"taken_by", facts.takers},
          {"made_by", std::move(makers)},
          {"given_by", found.givers},
          {"wanted_by", std::move(askers)},
          {"queries", found.queries}};
}

// The options that reach an entry.
std::vector<TypeFacts> options_of(const RuleGraph& graph, const Entry& entry) {
  std::vector<TypeFacts> options;
  for (const TypeId type : entry.params) {
    TypeFacts facts = facts_of(graph, type);
    if (!facts.scope.empty()) options.push_back(std::move(facts));
  }
  return options;
}

// What a goal is, and what can be said to it and to what it asks for.
std::string goal_as_text(const RuleGraph& graph, const Root& goal) {
  const Entry& entry = *goal.supply.entry;
  const RuleInfo& info = entry.rule.info;
  std::string text = "goal " + signature(info) + remarks(info) + "\n";
  if (!info.summary.empty()) text += "  " + info.summary + "\n";
  if (!info.gets.empty()) text += "  asks for\n";
  for (const GetDeclaration& get : info.gets) text += "    " + to_string(get) + "\n";
  std::string options;
  for (const TypeFacts& facts : options_of(graph, entry)) options += option_lines(facts);
  if (!options.empty()) text += "  options\n" + options;
  return text;
}

Json goal_as_json(const RuleGraph& graph, const Root& goal) {
  const Entry& entry = *goal.supply.entry;
  Json json = as_json(entry.rule.info);
  json["options"] = Json::array();
  for (const TypeFacts& facts : options_of(graph, entry)) {
    json["options"].push_back({{"scope", facts.scope}, {"fields", fields_as_json(facts)}});
  }
  return json;
}

}  // namespace

Result<std::string> explain_type(const RuleGraph& graph, std::string_view name, DescribeAs form) {
  if (name.empty()) {
    return user_error(ErrorCode::kInvalidArgument,
                      "explain what? The name of a type or of a goal is missing; `kiln rules "
                      "list` shows them");
  }
  const std::map<std::string_view, TypeId> types = all_types(graph);
  const auto type = types.find(name);
  if (type != types.end()) {
    const Explanation found = explanation_of(graph, name);
    const TypeFacts facts = facts_of(graph, type->second);
    return form == DescribeAs::kText ? explanation_as_text(name, facts, found)
                                     : dumped(explanation_as_json(name, facts, found));
  }
  if (const Root* goal = graph.find_goal(name)) {
    return form == DescribeAs::kText ? goal_as_text(graph, *goal)
                                     : dumped(goal_as_json(graph, *goal));
  }
  std::vector<std::string_view> names;
  for (const auto& [known, id] : types) names.push_back(known);
  for (const Root& goal : graph.goals()) names.push_back(goal.name);
  return user_error(ErrorCode::kNotFound,
                    "there is no type and no goal " + printable(name) + suggestion(name, names));
}

}  // namespace kiln::rules
