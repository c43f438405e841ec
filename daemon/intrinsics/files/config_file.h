// A workspace's kiln.toml: options, a table for each scope.
//
//   [shellcheck]
//   skip = false
//   args.add = ["--norc"]     # to what is the default, instead of in its place
//
// Source:  TOML 1.0 (toml.io), by toml++.
// Threads: free functions, thread-safe; immutable values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "daemon/rules/options.h"

namespace kiln::intrinsics {

inline constexpr std::string_view kConfigFile = "kiln.toml";
// What is larger is not read: it is something else.
inline constexpr int64_t kMostConfigBytes = int64_t{1} << 20;

// What the file sets, in its order, with each value as JSON. Whether there are such options is for
// others to say.
// Fails:   what is not TOML, or not made of scopes and values, with file:line:column.
Result<std::vector<rules::OptionSetting>> parse_config(std::string_view text);

}  // namespace kiln::intrinsics
