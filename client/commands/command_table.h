// The commands of kiln.
// Threads: immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/commands/command.h"

namespace kiln {

// Null if there is no command of that name: "exec", "digest ls".
const Command* find_command(std::string_view name);
// Whether it is the first word of commands that have two: "digest".
bool is_family(const std::string& word);
// Whether kiln's documentation names it, and it is not there yet.
bool is_planned(std::string_view name);
// The words that may follow `kiln FAMILY`, or `kiln` if the family is empty.
std::vector<std::string> next_words(const std::string& family);

// Those of a family; all if it is empty.
std::vector<const Command*> commands_of(const std::string& family);

}  // namespace kiln
