// Options: what a user set, as one small typed value for each subsystem. Rules take them as
// parameters, so that a node depends only on the options that it, or something below it, consumes.
//
//   struct ShellcheckOptions {
//     static constexpr std::string_view kTypeName = "ShellcheckOptions";
//     static constexpr std::string_view kScope = "shellcheck";
//     // Both may be left out.
//     static constexpr std::string_view kSummary = "How ShellCheck is run.";
//     static constexpr auto kHelp = std::to_array<OptionHelp>({{"skip", "do not run it"}});
//
//     bool skip = false;
//     static void fields(auto& self, auto&& field) { field("skip", self.skip); }
//     friend bool operator==(const ShellcheckOptions&, const ShellcheckOptions&) = default;
//   };
//
// Threads: immutable values, pure functions.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "daemon/rules/param.h"

namespace kiln::rules {

template <class T>
concept OptionsType = EngineValue<T> && Readable<T> && requires {
  { T::kScope } -> std::convertible_to<std::string_view>;
};

// What an option is for: a phrase for a person.
struct OptionHelp {
  std::string_view name;
  std::string_view text;
};

struct OptionScope {
  std::string_view scope;
  TypeId type = nullptr;
  std::string_view summary = {};
  std::span<const OptionHelp> help = {};
};
template <OptionsType T>
OptionScope option_scope() {
  OptionScope scope{T::kScope, type_of<T>()};
  if constexpr (requires { T::kSummary; }) scope.summary = T::kSummary;
  if constexpr (requires { T::kHelp; }) scope.help = T::kHelp;
  return scope;
}

// Who said it. What a later one says counts instead of what an earlier one says.
enum class OptionLayer : uint8_t { kFile, kEnvironment, kFlag };

// "shellcheck.args = -x", as the user gave it. Within a layer a list may be given several times; of
// any other option the last one counts.
struct OptionSetting {
  std::string scope;
  std::string name;   // '-' may stand for '_'; ".add" at its end adds to what earlier layers say
  std::string value;  // text: a scalar, an element of a list, or a list as JSON
  OptionLayer layer = OptionLayer::kFlag;
  std::string origin = "--option";  // where to look for it: "kiln.toml:3:1"
  bool json = false;                // `value` is JSON, and says itself of what kind it is

  friend bool operator==(const OptionSetting&, const OptionSetting&) = default;
};

// The options of one scope: defaults, and on top what the settings say of that scope, the layers in
// their order. Fails for an unknown name and for a value of another kind, with its origin.
Result<Param> read_options(const OptionScope& scope, std::span<const OptionSetting> settings);
// Refuses settings of scopes that do not exist, with the nearest.
Result<void> check_scopes(std::span<const OptionScope> scopes,
                          std::span<const OptionSetting> settings);

// What variables of the environment set: KILN_SCOPE_NAME, and KILN_SCOPE_NAME_ADD for a list.
// Refuses one that is no option's, with the nearest.
Result<std::vector<OptionSetting>> settings_of_variables(
    std::span<const OptionScope> scopes, const std::map<std::string, std::string>& variables);

// An option as it stands.
struct OptionReport {
  std::string name;
  std::string_view help;
  std::string kind;                  // "list", "text", …
  std::string initial;               // the default, as JSON
  std::string value;                 // as JSON
  std::vector<std::string> origins;  // where it was set; empty: it is the default
};
Result<std::vector<OptionReport>> report_options(const OptionScope& scope,
                                                 std::span<const OptionSetting> settings);

}  // namespace kiln::rules
