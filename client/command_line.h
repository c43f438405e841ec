// CommandLine: which command was typed, and the options that every command has.
//
// What:   finds the command's words among the global options, which may stand anywhere before "--",
//         and leaves everything else to the command's own parser.
// Threads: stateless.
#pragma once

#include <string>
#include <vector>

#include "client/console.h"
#include "client/option_parser.h"
#include "common/base/result.h"

namespace kiln {

struct CommandLine {
  std::string command;                 // "exec"; empty if there is none
  std::string subcommand;              // "cat" of "digest cat"
  std::vector<std::string> arguments;  // all others, in order
};

// `has_subcommands` says of a command whether a second word belongs to its name.
CommandLine split_command_line(std::vector<std::string> arguments,
                               bool (*has_subcommands)(const std::string& command));

// The global options, as typed.
class GlobalOptions {
 public:
  void add_to(OptionParser& parser);
  // Refuses unknown values and applies the modes to the console.
  Result<void> apply(Console& console) const;

  bool json() const { return json_; }
  // The file of --profile.
  const std::optional<std::string>& profile() const { return profile_; }
  // --root, else the nearest ancestor of the current directory with a kiln.toml, else with a .git,
  // else the current directory. Absolute, symlinks resolved.
  Result<std::string> workspace_root() const;

 private:
  std::optional<std::string> root_;
  std::optional<std::string> color_;
  std::optional<std::string> progress_;
  std::optional<std::string> level_;
  std::optional<std::string> profile_;
  bool json_ = false;
};

// Absolute, symlinks resolved.
Result<std::string> current_directory();

// The value that `typed` names among `choices`; an error that lists them.
template <class T>
struct Choice {
  std::string name;
  T value;
};
Error unknown_choice(const std::string& option, const std::string& typed,
                     const std::vector<std::string>& names);
template <class T>
Result<T> choose(const std::string& option, const std::string& typed,
                 const std::vector<Choice<T>>& choices) {
  std::vector<std::string> names;
  for (const Choice<T>& choice : choices) {
    if (choice.name == typed) return choice.value;
    names.push_back(choice.name);
  }
  return unknown_choice(option, typed, names);
}

}  // namespace kiln
