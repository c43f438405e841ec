#include "daemon/rules/type_facts.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "daemon/rules/json.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

std::string kind_of(const Json& value) {
  if (value.is_boolean()) return "true or false";
  if (value.is_number_integer()) return "integer";
  if (value.is_number()) return "number";
  if (value.is_string()) return "text";
  if (value.is_array()) return "list";
  if (value.is_object()) return "record";
  return "optional";
}

std::string paragraph(std::string_view heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = "  " + std::string(heading) + "\n";
  for (const std::string& line : lines) text += "    " + line + "\n";
  return text;
}

}  // namespace

// A value made of nothing shows what it is made of.
std::vector<TypeFacts::Field> fields_of(TypeId type) {
  if (type->read == nullptr || type->write == nullptr) return {};
  const auto made = param_from_json(type, "{}");
  if (!made.ok()) return {};
  const auto text = to_json(type, *made->value);
  if (!text.ok()) return {};
  const Json json = Json::parse(*text, nullptr, false);
  std::vector<TypeFacts::Field> fields;
  if (!json.is_object()) return fields;
  for (const auto& [name, value] : json.items()) {
    fields.push_back({name, kind_of(value), value.dump()});
  }
  return fields;
}

TypeFacts facts_of(const RuleGraph& graph, TypeId type) {
  TypeFacts facts;
  facts.fields = fields_of(type);
  for (const OptionScope& scope : graph.rules().option_scopes()) {
    if (scope.type == type) facts.scope = scope.scope;
  }
  for (const UnionMember& member : graph.rules().members()) {
    if (member.base == type) {
      facts.members.push_back(std::string(member.member->name) + "  " + to_string(member.where));
    }
    if (member.member == type) facts.bases.emplace_back(member.base->name);
  }
  if (type->side_effect) {
    for (const auto& rule : graph.rules().rules()) {
      const auto& arguments = rule->info.arguments;
      const bool takes = std::find(arguments.begin(), arguments.end(), type) != arguments.end();
      if (takes) facts.takers.push_back("goal " + rule->info.name);
    }
    std::sort(facts.takers.begin(), facts.takers.end());
  }
  return facts;
}

std::string option_lines(const TypeFacts& facts) {
  std::string text;
  for (const TypeFacts::Field& field : facts.fields) {
    std::string value = field.kind;
    std::transform(value.begin(), value.end(), value.begin(), ::toupper);
    if (field.kind == "true or false") value = "true|false";
    if (field.kind == "list") value = "ELEMENT";
    text += "    --option " + std::string(facts.scope) + "." + field.name + "=" + value;
    text += "  (default: " + field.initial + (field.kind == "list" ? "; may be repeated" : "");
    text += ")\n";
  }
  return text;
}

std::string to_text(const TypeFacts& facts) {
  std::string text;
  if (!facts.scope.empty()) {
    text += "  options of the scope " + std::string(facts.scope) + "\n" + option_lines(facts);
  } else {
    std::vector<std::string> fields;
    for (const TypeFacts::Field& field : facts.fields) {
      fields.push_back(field.name + ": " + field.kind);
    }
    text += paragraph("fields", fields);
  }
  text += paragraph("members of this union", facts.members);
  text += paragraph("member of the unions", facts.bases);
  text += paragraph("a side effect, taken by", facts.takers);
  return text;
}

}  // namespace kiln::rules
