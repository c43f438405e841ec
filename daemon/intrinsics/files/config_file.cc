#include "daemon/intrinsics/files/config_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace kiln::intrinsics {

namespace {

using Json = nlohmann::ordered_json;

std::string place(const toml::source_position& at) {
  return std::string(kConfigFile) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

Error refuse(const toml::source_position& at, std::string_view what) {
  return user_error(ErrorCode::kInvalidArgument, place(at) + ": " + std::string(what));
}

Result<Json> json_of(const toml::node& value) {
  if (const auto* text = value.as_string()) return Json(text->get());
  if (const auto* flag = value.as_boolean()) return Json(flag->get());
  if (const auto* integer = value.as_integer()) return Json(integer->get());
  if (const auto* number = value.as_floating_point()) return Json(number->get());
  if (const auto* list = value.as_array()) {
    Json elements = Json::array();
    for (const toml::node& element : *list) {
      KILN_ASSIGN(Json json, json_of(element));
      elements.push_back(std::move(json));
    }
    return elements;
  }
  return refuse(value.source().begin,
                value.is_table()
                    ? "a table where a value belongs; options are NAME = VALUE under [SCOPE]"
                    : "dates and times are no values of options; write it in quotes");
}

class ConfigReader {
 public:
  Result<std::vector<rules::OptionSetting>> read(const toml::table& file) {
    for (const auto& [key, value] : file) {
      if (!value.is_table()) {
        return refuse(key.source().begin, "'" + printable(key.str()) +
                                              "' stands in no scope; options are NAME = VALUE "
                                              "under [SCOPE]");
      }
      scope_ = key.str();
      for (const auto& [name, option] : *value.as_table()) KILN_TRY(read_option(name, option));
    }
    // A table has the order of its keys, a person that of the lines.
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return std::tuple(a.at.line, a.at.column) < std::tuple(b.at.line, b.at.column);
    });
    std::vector<rules::OptionSetting> settings;
    settings.reserve(found_.size());
    for (Found& found : found_) settings.push_back(std::move(found.setting));
    return settings;
  }

 private:
  struct Found {
    toml::source_position at;
    rules::OptionSetting setting;
  };

  Result<void> read_option(const toml::key& name, const toml::node& option) {
    const toml::table* table = option.as_table();
    if (table == nullptr) {
      KILN_ASSIGN(const Json value, json_of(option));
      add(name, name.str(), value);
      return {};
    }
    for (const auto& [word, value] : *table) {
      if (word.str() != "add") {
        return refuse(word.source().begin, "'" + printable(scope_) + "." + printable(name.str()) +
                                               "' is given as a table; only " + "`" +
                                               printable(name.str()) + ".add` may follow a name");
      }
      if (!value.is_array()) {
        return refuse(value.source().begin, "what is added to a list is a list, as in " +
                                                printable(name.str()) + ".add = [\"a\"]");
      }
      KILN_ASSIGN(const Json added, json_of(value));
      add(name, std::string(name.str()) + ".add", added);
    }
    return {};
  }

  void add(const toml::key& key, std::string_view name, const Json& value) {
    const toml::source_position at = key.source().begin;
    found_.push_back(
        {at,
         {scope_, std::string(name), value.dump(), rules::OptionLayer::kFile, place(at), true}});
  }

  std::string scope_;
  std::vector<Found> found_;
};

}  // namespace

Result<std::vector<rules::OptionSetting>> parse_config(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    // "Error while parsing array: encountered end-of-file"
    return refuse(error.source().begin, "no TOML: " + printable(error.description()));
  }
  return ConfigReader().read(parsed.table());
}

}  // namespace kiln::intrinsics
