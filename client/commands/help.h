// What help says that only the daemon knows: options.
#pragma once

#include <string>

#include "client/command_help.h"
#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/goal_names.h"

namespace kiln {

// The options that reach a goal, as they stand for this caller. A daemon that cannot say is no
// reason to keep the rest of the help back: then a line says why.
Result<void> print_goal_options(Invocation& invocation, const std::string& goal,
                                const CallerOptions& caller);

// All of a goal's help as JSON, which is nothing without a daemon that can say.
Result<void> print_goal_json(Invocation& invocation, const std::string& goal,
                             const CommandHelp& help, const CallerOptions& caller);

// Whether this word asks for help.
bool is_help(const std::string& argument);

}  // namespace kiln
