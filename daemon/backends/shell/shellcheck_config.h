// ShellCheck's configuration files: where they are, and what ShellCheck says of a broken one.
// Source: shellcheck(1), "RC FILES": the script's directory and those above; the first one counts.
// Threads: stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/backends/core/lint.h"

namespace kiln::backends::shell {

// The configuration files that could be about a script, in the order of ShellCheck's search.
std::vector<std::string> config_paths(std::string_view script);

// If a finding about `script` is really about a configuration file ("Failed to process
// /sandbox/dir/.shellcheckrc, line 3: …"): the same about that file.
std::optional<LintResult> config_finding(std::string_view script, const LintFinding& finding);

}  // namespace kiln::backends::shell
