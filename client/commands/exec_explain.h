// kiln exec --explain-key
#pragma once

#include "client/commands/command.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

// Prints what the key of the process is made of, and runs nothing.
Result<int> explain_key(Invocation& invocation, const v1::ExecuteRequest& request);

}  // namespace kiln
