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
  // Makes the console speak as they say.
  void apply(Console& console) const;

  bool json() const { return json_; }
  // The file of --profile.
  const std::optional<std::string>& profile() const { return profile_; }
  // --root, else the nearest ancestor of the current directory with a kiln.toml, else with a .git;
  // nothing if there is none. Absolute, symlinks resolved.
  // Fails when its name is not UTF-8, which requests could not carry.
  Result<std::optional<std::string>> workspace_root() const;
  // Whether paths are from the workspace root wherever one stands.
  bool root_relative() const { return root_relative_; }

 private:
  // Whatever its name.
  Result<std::optional<std::string>> found_root() const;

  std::optional<std::string> root_;
  Chosen<ColorMode> color_ = {ColorMode::kAuto};
  Chosen<ProgressMode> progress_ = {ProgressMode::kAuto};
  Chosen<TalkLevel> level_ = {TalkLevel::kInfo};
  std::optional<std::string> profile_;
  bool json_ = false;
  bool root_relative_ = false;
};

// Of a command that needs a workspace, in a directory that is in none.
Error no_workspace(const std::string& here);

// Absolute, symlinks resolved.
Result<std::string> current_directory();

}  // namespace kiln
