#pragma once

#include "client/commands/command.h"
#include "client/exec_options.h"

namespace kiln {

// `kiln exec --interactive`: the exit code of a process in this terminal.
Result<int> execute_interactive(Invocation& invocation, const ExecOptions& options);

// The process that a goal offers (GoalEvent.interactive), to its end, on a connection of its own.
// Fails only if the client was told to end.
Result<void> run_offered_process(Invocation& invocation, uint64_t offer);

}  // namespace kiln
