// The environment variables that begin with KILN_: kiln's own, and those that set options.
// Threads: stateless.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln {

// One that is kiln's own. None of them is an option.
struct OwnVariable {
  std::string_view name;
  std::string_view meaning;  // lines, for a person
};
std::span<const OwnVariable> own_variables();

// All others: KILN_SCOPE_NAME, for the daemon, which knows what options there are. `environment` is
// as environ(7).
// Fails: for a value that is not UTF-8.
Result<std::map<std::string, std::string>> option_variables(const char* const* environment);

}  // namespace kiln
