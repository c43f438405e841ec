// kiln exec --batch
#pragma once

#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/exec_options.h"

namespace kiln {

// One JSON process per line in, one JSON result per line out.
Result<int> execute_batch(Invocation& invocation, const ExecOptions& options,
                          const CallerOptions& caller);

}  // namespace kiln
