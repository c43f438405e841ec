// CommandHelp: what help says of one command, for a person and as data.
// Threads: stateless.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/exit_codes.h"

namespace kiln {

// What a command's help says besides its options.
struct HelpText {
  std::string command;  // "kiln digest cat"
  std::string usage;    // what follows the command
  std::string summary;  // one line
  std::string details;  // paragraphs; may be empty
  std::string example;  // lines; may be empty
  std::vector<ExitCode> exit_codes = {};

  std::string name() const;        // what is typed after "kiln": "digest cat"
  std::string usage_line() const;  // "kiln digest cat DIGEST PATH"
};

struct OptionHelp {
  std::string group;               // the heading it stands under
  std::vector<std::string> names;  // "-f", "--follow"
  std::string metavar;             // of its value; empty if it takes none
  std::string text;                // lines; "{choices}" stands for what can be chosen from
  bool repeatable = false;
  std::vector<std::string> choices = {};
  std::optional<std::string> preset = {};  // the one of the choices that holds if none is made

  // The text with the choices in it.
  std::string explanation() const;
};

struct CommandHelp {
  HelpText text;
  std::vector<OptionHelp> options;  // in the order of their groups
};

std::string as_text(const CommandHelp& help);
// The fields are documented in the README.
nlohmann::ordered_json as_json(const CommandHelp& help);

// A table with a heading.
std::string as_text(std::span<const ExitCode> codes);
nlohmann::ordered_json as_json(std::span<const ExitCode> codes);

// A row of such a table: a name and, from a column on, the lines that explain it.
std::string help_row(std::string_view name, std::string_view lines, size_t column);
// Lines that were broken for a terminal, as one.
std::string one_line(std::string lines);

}  // namespace kiln
