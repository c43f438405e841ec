#pragma once

#include "client/commands/command.h"
#include "client/exec_options.h"

namespace kiln {

// `kiln exec --interactive`: the exit code of a process in this terminal.
Result<int> execute_interactive(Invocation& invocation, const ExecOptions& options);

}  // namespace kiln
