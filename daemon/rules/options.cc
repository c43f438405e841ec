#include "daemon/rules/options.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "daemon/rules/nearest.h"

namespace kiln::rules {

namespace {

std::string field_name(std::string_view option) {
  std::string name(option);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// What was said of one option, in the order in which it was said.
class OptionReader final : public ValueReader {
 public:
  explicit OptionReader(std::vector<std::string_view> values) : values_(std::move(values)) {}

  bool is_null() const override { return false; }
  Result<bool> boolean() const override {
    if (last() == "true") return true;
    if (last() == "false") return false;
    return expected("true or false");
  }
  Result<int64_t> integer() const override { return parsed<int64_t>("an integer"); }
  Result<double> number() const override { return parsed<double>("a number"); }
  Result<std::string> text() const override { return std::string(last()); }
  Result<void> elements(const Visit& visit) override {
    for (const std::string_view value : values_) {
      OptionReader element({value});
      KILN_TRY(visit(element));
    }
    return {};
  }
  Result<void> members(const VisitMember&) override { return expected("an option of its own"); }

 private:
  std::string_view last() const { return values_.back(); }
  Error expected(std::string_view what) const {
    return user_error(ErrorCode::kInvalidArgument,
                      "expected " + std::string(what) + ", found '" + printable(last()) + "'");
  }
  template <class T>
  Result<T> parsed(std::string_view what) const {
    T value{};
    const auto [end, error] = std::from_chars(last().data(), last().data() + last().size(), value);
    if (error != std::errc() || end != last().data() + last().size()) return expected(what);
    return value;
  }

  const std::vector<std::string_view> values_;
};

// All that was said of one scope.
class ScopeReader final : public ValueReader {
 public:
  ScopeReader(std::string_view scope, std::span<const OptionSetting> settings) : scope_(scope) {
    for (const OptionSetting& setting : settings) {
      if (setting.scope == scope) values_[field_name(setting.name)].push_back(setting.value);
    }
  }

  bool is_null() const override { return false; }
  Result<bool> boolean() const override { return not_a_scalar(); }
  Result<int64_t> integer() const override { return not_a_scalar(); }
  Result<double> number() const override { return not_a_scalar(); }
  Result<std::string> text() const override { return not_a_scalar(); }
  Result<void> elements(const Visit&) override { return not_a_scalar(); }
  Result<void> members(const VisitMember& visit) override {
    for (const auto& [name, values] : values_) {
      OptionReader reader(values);
      KILN_TRY(visit(name, reader)
                   .with_context("in the option " + std::string(scope_) + "." + printable(name)));
    }
    return {};
  }

 private:
  static Error not_a_scalar() { return internal_error("options that are not a struct of fields"); }

  const std::string_view scope_;
  std::map<std::string, std::vector<std::string_view>> values_;
};

}  // namespace

Result<Param> read_options(const OptionScope& scope, std::span<const OptionSetting> settings) {
  ScopeReader reader(scope.scope, settings);
  KILN_ASSIGN(graph::ValueRef value, scope.type->read(reader));
  const Hash128 hash = scope.type->hash(*value);
  return Param{scope.type, std::move(value), hash};
}

Result<void> check_scopes(std::span<const OptionScope> scopes,
                          std::span<const OptionSetting> settings) {
  for (const OptionSetting& setting : settings) {
    std::vector<std::string_view> names;
    for (const OptionScope& scope : scopes) names.push_back(scope.scope);
    if (std::find(names.begin(), names.end(), setting.scope) != names.end()) continue;
    return user_error(ErrorCode::kInvalidArgument,
                      "there is no option " + printable(setting.scope) + "." +
                          printable(setting.name) + ": no scope '" + printable(setting.scope) +
                          "'" + did_you_mean(setting.scope, names));
  }
  return {};
}

}  // namespace kiln::rules
