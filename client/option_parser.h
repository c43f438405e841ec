// OptionParser: the options of one command, parsed into its variables, and what its help says.
//
// What:   a thin face of CLI11, which no other file of the client sees. Only the parser of the
//         chosen command is ever made: its construction is part of what every command costs.
// Threads: single-owner. The variables it is given outlive it.
// Fails:   parse() with `invalid_argument`, naming the option and, for an unknown one, the nearest.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/command_help.h"
#include "common/base/result.h"

namespace kiln {

// A word that can be chosen, and what it stands for.
template <class T>
struct Choice {
  std::string_view name;
  T value;
};

// What was chosen; until then, what holds if nothing is.
template <class T>
struct Chosen {
  T value;
  bool given = false;
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
  // One of a few words. In the help they stand where it says "{choices}".
  template <class T>
  void choice(const std::string& names, const std::string& metavar, Chosen<T>& target,
              const std::vector<Choice<T>>& choices, const std::string& help) {
    std::vector<std::string> words;
    std::optional<std::string> preset;
    for (const Choice<T>& choice : choices) {
      words.emplace_back(choice.name);
      if (choice.value == target.value) preset = choice.name;
    }
    add_choice(names, metavar, std::move(words), std::move(preset), help,
               [&target, choices](size_t chosen) {
                 target = {choices[chosen].value, true};
               });
  }
  // An option with a value may also stand alone: then it has this one. A value of its own follows
  // "=".
  void implied(const std::string& name, const std::string& value);
  // May be given several times, one value each.
  void list(const std::string& names, const std::string& metavar, std::vector<std::string>& target,
            const std::string& help);
  // The arguments that are no options; at least `least` and at most `most` (0: any number).
  void positionals(std::vector<std::string>& target, size_t least, size_t most);
  // What is added from here on stands under this heading of the help.
  void begin_group(const std::string& heading);

  // False if help was asked for.
  Result<bool> parse(std::vector<std::string> arguments);
  // Once parsed: of all options.
  const CommandHelp& help() const;

 private:
  void add_choice(const std::string& names, const std::string& metavar,
                  std::vector<std::string> words, std::optional<std::string> preset,
                  const std::string& help, std::function<void(size_t)> choose);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln
