#include "client/option_variables.h"

#include <algorithm>
#include <array>

#include "common/types/rel_path.h"

namespace kiln {

namespace {

constexpr std::string_view kPrefix = "KILN_";

constexpr auto kOwn = std::to_array<OwnVariable>({
    {"KILN_HOME", "the store; by default $XDG_CACHE_HOME/kiln, else ~/.cache/kiln"},
    {"KILN_RUNTIME_DIR",
     "the daemon's socket; by default $XDG_RUNTIME_DIR/kiln, else\n"
     "/tmp/kiln-UID"},
    {"KILN_DAEMON", "the program kilnd; by default the one beside kiln"},
    {"KILN_DAEMON_TIMEOUT",
     "seconds without a sign of life from the daemon after which a\n"
     "command gives up; by default 60; 0 is never"},
    {"KILN_JOBS", "processes at once (read when the daemon starts)"},
    {"KILN_IDLE_TIMEOUT",
     "seconds without a request after which the daemon ends; 0 is\n"
     "never (read when the daemon starts)"},
    {"KILN_CACHE_BYTES",
     "memory for the store's database, in bytes (read when the\n"
     "daemon starts)"},
    {"KILN_MAX_WATCHES",
     "directories to watch at most; 0 is the kernel's limit (read\n"
     "when the daemon starts)"},
    {"KILN_SANDBOX_DIRECTORY",
     "a directory in a tmpfs for plain sandboxes; by default where\n"
     "there is room; disk is none (read when the daemon starts)"},
    {"KILN_MEMO_BYTES",
     "memory for what is remembered, in bytes; 0 is no limit (read\n"
     "when the daemon starts)"},
    {"KILN_MEMO_NODES",
     "how many things are remembered before the first are forgotten;\n"
     "0 is no limit (read when the daemon starts)"},
});

}  // namespace

std::span<const OwnVariable> own_variables() { return kOwn; }

Result<std::map<std::string, std::string>> option_variables(const char* const* environment) {
  std::map<std::string, std::string> variables;
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const size_t equals = variable.find('=');
    if (!variable.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string name(variable.substr(0, equals));
    const bool own = std::any_of(kOwn.begin(), kOwn.end(),
                                 [&name](const OwnVariable& known) { return known.name == name; });
    if (own) continue;
    if (!is_valid_utf8(variable)) {
      return user_error(ErrorCode::kInvalidArgument,
                        "the environment variable " + printable(name) + " is not valid UTF-8");
    }
    variables.emplace(name, variable.substr(equals + 1));
  }
  return variables;
}

}  // namespace kiln
