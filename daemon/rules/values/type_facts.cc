#include "daemon/rules/values/type_facts.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "daemon/rules/values/json.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

// Of a record: the kind of each of its fields.
class KindWriter final : public ValueWriter {
 public:
  void null() override { put("optional"); }
  void boolean(bool) override { put("true or false"); }
  void integer(int64_t) override { put("integer"); }
  void number(double) override { put("number"); }
  void text(std::string_view) override { put("text"); }
  void choice(std::string_view, std::span<const std::string_view> names) override {
    std::string kind;
    for (const std::string_view name : names) kind += (kind.empty() ? "" : "|") + std::string(name);
    put(kind);
  }
  void begin_list() override { open("list"); }
  void begin_record() override { open("record"); }
  void member(std::string_view name) override {
    if (depth_ == 1) name_ = name;
  }
  void end() override { --depth_; }

  std::map<std::string, std::string> take() && { return std::move(kinds_); }

 private:
  void open(std::string_view kind) {
    put(kind);
    ++depth_;
  }
  void put(std::string_view kind) {
    if (depth_ == 1) kinds_.emplace(name_, kind);
  }

  int depth_ = 0;
  std::string name_;
  std::map<std::string, std::string> kinds_;
};

std::string paragraph(std::string_view heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = "  " + std::string(heading) + "\n";
  for (const std::string& line : lines) text += "    " + line + "\n";
  return text;
}

// What is typed for a value of it.
std::string metavar(const TypeFacts::Field& field) {
  if (field.kind == "true or false") return "true|false";
  if (field.kind == "list") return "ELEMENT";
  if (field.kind == "optional") return "VALUE";
  const bool is_choice = field.kind.find('|') != std::string::npos;
  return is_choice ? field.kind : absl::AsciiStrToUpper(field.kind);
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
  KindWriter writer;
  type->write(writer, *made->value);
  const std::map<std::string, std::string> kinds = std::move(writer).take();
  for (const auto& [name, value] : json.items()) {
    fields.push_back({name, kinds.at(name), value.dump()});
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
    text += "    --option " + std::string(facts.scope) + "." + field.name + "=" + metavar(field);
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
    fields.reserve(facts.fields.size());
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
