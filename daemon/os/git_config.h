// The syntax of git's configuration files.
//
// Source:  https://git-scm.com/docs/git-config, CONFIGURATION FILE.
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::os {

struct GitConfigEntry {
  std::string section;     // lower case
  std::string subsection;  // as it stands; lower case if it was written [section.subsection]
  std::string name;        // lower case
  std::optional<std::string> value;  // nothing: a name without '=', which is true
  friend bool operator==(const GitConfigEntry&, const GitConfigEntry&) = default;
};

// The entries in their order. git refuses a file with a syntax error; here it ends at the error.
std::vector<GitConfigEntry> parse_git_config(std::string_view text);

// What git takes for true: "true", "yes", "on", a number that is not 0, or no value.
bool is_true(const GitConfigEntry& entry);

}  // namespace kiln::os
