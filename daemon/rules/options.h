// Options: what a user set, as one small typed value for each subsystem. Rules take them as
// parameters, so that a node depends only on the options that it, or something below it, consumes.
//
//   struct ShellcheckOptions {
//     static constexpr std::string_view kTypeName = "ShellcheckOptions";
//     static constexpr std::string_view kScope = "shellcheck";
//     bool skip = false;
//     std::vector<std::string> args;
//     static void fields(auto& self, auto&& field) { field("skip", self.skip); … }
//     …
//   };
//
// Threads: immutable values, pure functions.
#pragma once

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

struct OptionScope {
  std::string_view scope;
  TypeId type = nullptr;
};

// "shellcheck.args = -x", as the user gave it. A list's option may be given several times; of any
// other option the last one counts.
struct OptionSetting {
  std::string scope;
  std::string name;
  std::string value;
};

// The options of one scope: defaults, and on top what the settings say of that scope. Names of
// options may use '-' for '_'. Fails for an unknown name and for a value of another kind.
Result<Param> read_options(const OptionScope& scope, std::span<const OptionSetting> settings);
// Refuses settings of scopes that do not exist, with the nearest.
Result<void> check_scopes(std::span<const OptionScope> scopes,
                          std::span<const OptionSetting> settings);

}  // namespace kiln::rules
