// The words after `kiln` that the client answers by itself, and those that are to be: no goal can
// have such a name.
// Threads: immutable.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace kiln {

inline constexpr auto kOwnCommands =
    std::to_array<std::string_view>({"attach", "completion", "daemon", "digest", "doctor", "exec",
                                     "help", "paths", "rules", "runs", "store"});

constexpr bool is_own_command(std::string_view word) {
  return std::find(kOwnCommands.begin(), kOwnCommands.end(), word) != kOwnCommands.end();
}

}  // namespace kiln
