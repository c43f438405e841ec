// OptionParser: the options of one command, parsed into its variables, and its help text.
//
// What:   a thin face of CLI11, which no other file of the client sees. Only the parser of the
//         chosen command is ever made: its construction is part of what every command costs.
// Threads: single-owner. The variables it is given outlive it.
// Fails:   parse() with `invalid_argument`, naming the option and, for an unknown one, the nearest.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace kiln {

// What a command's help says besides its options.
struct HelpText {
  std::string command;  // "kiln digest cat"
  std::string usage;    // what follows the command
  std::string summary;  // one line
  std::string details;  // paragraphs; may be empty
  std::string example;  // lines; may be empty
};

class OptionParser {
 public:
  explicit OptionParser(HelpText text);
  ~OptionParser();
  OptionParser(const OptionParser&) = delete;
  OptionParser& operator=(const OptionParser&) = delete;

  // `names` as CLI11 takes them: "-f,--follow".
  void flag(const std::string& names, bool& target, const std::string& help);
  void value(const std::string& names, const std::string& metavar,
             std::optional<std::string>& target, const std::string& help);
  // May be given several times, one value each.
  void list(const std::string& names, const std::string& metavar, std::vector<std::string>& target,
            const std::string& help);
  // The arguments that are no options; at least `least` and at most `most` (0: any number).
  void positionals(std::vector<std::string>& target, size_t least, size_t most);
  // What is added from here on stands under this heading of the help.
  void begin_group(const std::string& heading);

  // False if help was asked for.
  Result<bool> parse(std::vector<std::string> arguments);
  std::string help() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln
