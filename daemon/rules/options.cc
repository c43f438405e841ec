#include "daemon/rules/options.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "daemon/rules/nearest.h"
#include "daemon/rules/values/json.h"
#include "daemon/rules/values/type_facts.h"

namespace kiln::rules {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kAdd = ".add";

bool adds(const OptionSetting& setting) { return setting.name.ends_with(kAdd); }

std::string field_name(std::string_view option) {
  if (option.ends_with(kAdd)) option.remove_suffix(kAdd.size());
  std::string name(option);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// One value that somebody said. Text may be any scalar; JSON says itself what it is.
class SaidReader final : public ValueReader {
 public:
  SaidReader(Json value, bool is_text) : value_(std::move(value)), is_text_(is_text) {}
  explicit SaidReader(const OptionSetting& setting)
      : SaidReader(setting.json ? Json::parse(setting.value, nullptr, false) : Json(setting.value),
                   !setting.json) {}

  bool is_null() const override { return false; }
  Result<bool> boolean() const override {
    if (value_.is_boolean()) return value_.get<bool>();
    if (is_text_ && (value_ == "true" || value_ == "false")) return value_ == "true";
    return expected("true or false");
  }
  Result<int64_t> integer() const override {
    if (value_.is_number_integer()) return value_.get<int64_t>();
    return parsed<int64_t>("an integer");
  }
  Result<double> number() const override {
    if (value_.is_number()) return value_.get<double>();
    return parsed<double>("a number");
  }
  Result<std::string> text() const override {
    if (value_.is_string()) return value_.get<std::string>();
    return expected("text");
  }
  // Text is one element, or a list in JSON.
  Result<void> elements(const Visit& visit) override {
    if (value_.is_array()) return each(value_, visit);
    if (!is_text_) return expected("a list");
    if (!value_.get_ref<const std::string&>().starts_with('[')) return visit(*this);
    const Json list = Json::parse(value_.get_ref<const std::string&>(), nullptr, false);
    if (!list.is_array()) return expected("one element, or a list like [\"a\", \"b\"]");
    return each(list, visit);
  }
  Result<void> members(const VisitMember&) override { return expected("an option of its own"); }

 private:
  static Result<void> each(const Json& list, const Visit& visit) {
    for (const Json& element : list) {
      SaidReader reader(element, false);
      KILN_TRY(visit(reader));
    }
    return {};
  }
  Error expected(std::string_view what) const {
    const std::string found = is_text_ ? "'" + value_.get<std::string>() + "'" : value_.dump();
    return user_error(ErrorCode::kInvalidArgument,
                      "expected " + std::string(what) + ", found " + printable(found));
  }
  template <class T>
  Result<T> parsed(std::string_view what) const {
    if (!is_text_) return expected(what);
    const std::string& text = value_.get_ref<const std::string&>();
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return expected(what);
    return value;
  }

  const Json value_;
  const bool is_text_;
};

using Settings = std::vector<const OptionSetting*>;

// What was said of one option, the strongest last.
class OptionReader final : public ValueReader {
 public:
  OptionReader(Settings said, Json initial) : said_(std::move(said)), initial_(std::move(initial)) {
    std::stable_sort(said_.begin(), said_.end(),
                     [](const auto* a, const auto* b) { return a->layer < b->layer; });
  }

  // Whether the default still counts: nobody said otherwise, only what else.
  bool only_adds() const {
    return std::all_of(said_.begin(), said_.end(), [](const auto* said) { return adds(*said); });
  }
  // Those that count for a list: from the strongest layer on that does more than add.
  Settings counted() const {
    if (only_adds()) return said_;
    const OptionLayer from = (*std::find_if(said_.rbegin(), said_.rend(), [](const auto* said) {
                               return !adds(*said);
                             }))->layer;
    Settings counted;
    std::copy_if(said_.begin(), said_.end(), std::back_inserter(counted),
                 [from](const auto* said) { return said->layer >= from; });
    return counted;
  }
  const OptionSetting& last() const { return *said_.back(); }
  // What was being read when reading failed.
  const OptionSetting& blamed() const { return *blamed_; }

  bool is_null() const override { return false; }
  Result<bool> boolean() const override { return scalar(&ValueReader::boolean); }
  Result<int64_t> integer() const override { return scalar(&ValueReader::integer); }
  Result<double> number() const override { return scalar(&ValueReader::number); }
  Result<std::string> text() const override { return scalar(&ValueReader::text); }
  Result<void> elements(const Visit& visit) override {
    if (only_adds()) KILN_TRY(SaidReader(initial_, false).elements(visit));
    for (const OptionSetting* setting : counted()) {
      blamed_ = setting;
      KILN_TRY(SaidReader(*setting).elements(visit));
    }
    return {};
  }
  Result<void> members(const VisitMember& visit) override {
    return SaidReader(last()).members(visit);
  }

 private:
  template <class T>
  Result<T> scalar(Result<T> (ValueReader::*read)() const) const {
    if (adds(last())) {
      return user_error(ErrorCode::kInvalidArgument, "it is no list, so nothing can be added");
    }
    return (SaidReader(last()).*read)();
  }

  Settings said_;
  const Json initial_;
  const OptionSetting* blamed_ = said_.back();
};

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
      OptionReader reader(said, defaults_[name]);
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
      const OptionReader reader(of_one->second, Json());
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
