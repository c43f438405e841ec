// How a script names its interpreter, and what `env` in that place leads to.
//
// Source:  execve(2) ("Interpreter scripts"), Linux's fs/binfmt_script.c; env(1) of GNU coreutils.
// Threads: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln::intrinsics {

struct Shebang {
  std::string interpreter;
  std::string argument;  // all after it, as one word; often empty
  friend bool operator==(const Shebang&, const Shebang&) = default;
};
// Of the first bytes of a file; nothing if it is no script.
std::optional<Shebang> parse_shebang(std::string_view text);

// What `env ARGUMENT SCRIPT` starts.
struct EnvCommand {
  std::string command;
  std::optional<std::string> path;  // what it sets PATH to
  bool clears = false;              // -i: no other variable is passed on
  friend bool operator==(const EnvCommand&, const EnvCommand&) = default;
};
// `argument` as it stands behind env in the first line: one word for env, unless it begins with -S.
// Nothing if it starts no command.
std::optional<EnvCommand> parse_env_argument(std::string_view argument);

}  // namespace kiln::intrinsics
