#include "daemon/rules/options.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/rules/nearest.h"
#include "daemon/rules/option_reader.h"
#include "daemon/rules/values/json.h"
#include "daemon/rules/values/type_facts.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

using ByName = std::map<std::string, Settings>;

ByName by_name(const OptionScope& scope, std::span<const OptionSetting> settings) {
  ByName said;
  for (const OptionSetting& setting : settings) {
    if (setting.scope == scope.scope) said[field_name(setting.name)].push_back(&setting);
  }
  return said;
}

// The defaults of a scope, by name.
Result<Json> defaults_of(const OptionScope& scope) {
  KILN_ASSIGN(const Param defaults, param_from_json(scope.type, "{}"));
  KILN_ASSIGN(const std::string json, to_json(scope.type, *defaults.value));
  return Json::parse(json);
}

std::string full_name(const OptionScope& scope, std::string_view name) {
  return std::string(scope.scope) + "." + printable(name);
}

Error blame(const OptionSetting& setting, std::string_view what) {
  return user_error(ErrorCode::kInvalidArgument, setting.origin + ": " + std::string(what));
}

Error unknown_option(const OptionScope& scope, const Json& defaults, const OptionSetting& setting) {
  const std::string name = field_name(setting.name);
  std::vector<std::string_view> names;
  for (const auto& [known, value] : defaults.items()) names.push_back(known);
  return blame(setting, "there is no option " + full_name(scope, name) + did_you_mean(name, names) +
                            "\n  `kiln help " + std::string(scope.scope) +
                            "` lists those there are");
}

// All that was said of one scope. Lives as long as what it reads.
class ScopeReader final : public ValueReader {
 public:
  ScopeReader(const OptionScope& scope, const ByName& said, const Json& defaults)
      : scope_(scope), said_(said), defaults_(defaults) {}

  bool is_null() const override { return false; }
  Result<bool> boolean() const override { return not_a_scalar(); }
  Result<int64_t> integer() const override { return not_a_scalar(); }
  Result<double> number() const override { return not_a_scalar(); }
  Result<std::string> text() const override { return not_a_scalar(); }
  Result<void> elements(const Visit&) override { return not_a_scalar(); }
  Result<void> members(const VisitMember& visit) override {
    for (const auto& [name, said] : said_) {
      OptionReader reader(said, defaults_[name].dump());
      const Result<void> read = visit(name, reader);
      if (read.ok()) continue;
      return blame(reader.blamed(), full_name(scope_, name) + ": " + read.error().message());
    }
    return {};
  }

 private:
  static Error not_a_scalar() { return internal_error("options that are not a struct of fields"); }

  const OptionScope& scope_;
  const ByName& said_;
  const Json& defaults_;
};

Param boxed(TypeId type, graph::ValueRef value) {
  const Hash128 hash = type->hash(*value);
  return {type, std::move(value), hash};
}

// The variable of an option: KILN_SHELLCHECK_ARGS.
std::string variable_of(const OptionScope& scope, std::string_view name) {
  std::string variable = "KILN_" + std::string(scope.scope) + "_" + std::string(name);
  std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return variable;
}

struct Variable {
  std::string scope;
  std::string name;
};

// All variables that set something.
Result<std::map<std::string, Variable>> known_variables(std::span<const OptionScope> scopes) {
  std::map<std::string, Variable> known;
  for (const OptionScope& scope : scopes) {
    KILN_ASSIGN(const Json defaults, defaults_of(scope));
    for (const auto& [name, value] : defaults.items()) {
      const std::string variable = variable_of(scope, name);
      known.emplace(variable, Variable{std::string(scope.scope), name});
      if (!value.is_array()) continue;
      known.emplace(variable + "_ADD",
                    Variable{std::string(scope.scope), name + std::string(kAdd)});
    }
  }
  return known;
}

std::string_view help_of(const OptionScope& scope, std::string_view name) {
  const auto help = std::find_if(scope.help.begin(), scope.help.end(),
                                 [name](const OptionHelp& option) { return option.name == name; });
  return help == scope.help.end() ? std::string_view() : help->text;
}

}  // namespace

Result<Param> read_options(const OptionScope& scope, std::span<const OptionSetting> settings) {
  const ByName said = by_name(scope, settings);
  Json defaults;
  if (!said.empty()) {
    KILN_ASSIGN(defaults, defaults_of(scope));
  }
  for (const auto& [name, of_one] : said) {
    if (!defaults.contains(name)) return unknown_option(scope, defaults, *of_one.back());
  }
  ScopeReader reader(scope, said, defaults);
  KILN_ASSIGN(graph::ValueRef value, scope.type->read(reader));
  return boxed(scope.type, std::move(value));
}

Result<void> check_scopes(std::span<const OptionScope> scopes,
                          std::span<const OptionSetting> settings) {
  for (const OptionSetting& setting : settings) {
    std::vector<std::string_view> names;
    for (const OptionScope& scope : scopes) names.push_back(scope.scope);
    if (std::find(names.begin(), names.end(), setting.scope) != names.end()) continue;
    return blame(setting, "there is no option " + printable(setting.scope) + "." +
                              printable(field_name(setting.name)) + ": no scope '" +
                              printable(setting.scope) + "'" + did_you_mean(setting.scope, names) +
                              "\n  `kiln help` lists the scopes");
  }
  return {};
}

Result<std::vector<OptionSetting>> settings_of_variables(
    std::span<const OptionScope> scopes, const std::map<std::string, std::string>& variables) {
  std::vector<OptionSetting> settings;
  if (variables.empty()) return settings;
  KILN_ASSIGN(const auto known, known_variables(scopes));
  for (const auto& [name, value] : variables) {
    const auto variable = known.find(name);
    if (variable == known.end()) {
      std::vector<std::string_view> names;
      for (const auto& [other, what] : known) names.push_back(other);
      return user_error(ErrorCode::kInvalidArgument,
                        "the environment variable " + printable(name) + " sets no option" +
                            did_you_mean(name, names) +
                            "\n  unset it; `kiln help` lists the options' scopes");
    }
    settings.push_back({variable->second.scope, variable->second.name, value,
                        OptionLayer::kEnvironment, name, false});
  }
  return settings;
}

Result<std::vector<OptionReport>> report_options(const OptionScope& scope,
                                                 std::span<const OptionSetting> settings) {
  KILN_ASSIGN(const Param param, read_options(scope, settings));
  KILN_ASSIGN(const std::string json, to_json(scope.type, *param.value));
  const Json values = Json::parse(json);
  const ByName said = by_name(scope, settings);
  std::vector<OptionReport> reports;
  for (const TypeFacts::Field& field : fields_of(scope.type)) {
    OptionReport report{field.name,    help_of(scope, field.name),   field.kind,
                        field.initial, values.at(field.name).dump(), {}};
    if (const auto of_one = said.find(field.name); of_one != said.end()) {
      const OptionReader reader(of_one->second, field.initial);
      if (field.kind == "list") {
        for (const OptionSetting* setting : reader.counted()) {
          if (report.origins.empty() || report.origins.back() != setting->origin) {
            report.origins.push_back(setting->origin);
          }
        }
      } else {
        report.origins.push_back(reader.last().origin);
      }
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace kiln::rules
