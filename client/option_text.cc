#include "client/option_text.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "common/types/rel_path.h"

namespace kiln {

namespace {

using Json = nlohmann::ordered_json;

// What is typed after the name.
std::string metavar(const v1::OptionsResponse::Option& option) {
  if (option.kind() == "true or false") return "true|false";
  if (option.kind() == "list") return "ELEMENT";
  if (option.kind() == "optional") return "VALUE";
  if (option.kind().find('|') != std::string::npos) return option.kind();  // the choices
  std::string upper = option.kind();
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

std::string listed(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return text;
}

Json as_json(const v1::OptionsResponse::Option& option) {
  return {{"name", option.name()},
          {"help", option.help()},
          {"kind", option.kind()},
          {"default", Json::parse(option.default_value(), nullptr, false)},
          {"value", Json::parse(option.value(), nullptr, false)},
          {"origins", std::vector<std::string>(option.origins().begin(), option.origins().end())}};
}

}  // namespace

std::string option_text(const v1::OptionsResponse::Scope& scope) {
  std::string text;
  for (const v1::OptionsResponse::Option& option : scope.options()) {
    text += "  " + scope.name() + "." + option.name() + "=" + metavar(option) + "\n";
    if (!option.help().empty()) text += "      " + option.help() + "\n";
    text += "      default: " + printable(option.default_value()) + "\n";
    if (option.origins().empty()) continue;
    text +=
        "      now:     " + printable(option.value()) + ", from " + listed(option.origins()) + "\n";
  }
  return text;
}

nlohmann::ordered_json scopes_json(const v1::OptionsResponse& options) {
  Json scopes = Json::array();
  for (const v1::OptionsResponse::Scope& scope : options.scopes()) {
    Json all = Json::array();
    for (const v1::OptionsResponse::Option& option : scope.options()) {
      all.push_back(as_json(option));
    }
    scopes.push_back(
        {{"scope", scope.name()}, {"summary", scope.summary()}, {"options", std::move(all)}});
  }
  return scopes;
}

}  // namespace kiln
