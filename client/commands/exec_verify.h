// kiln exec --verify-twice
#pragma once

#include "client/commands/command.h"
#include "kiln/v1/processes.pb.h"

namespace kiln {

// Runs the process twice, in different directories and seconds and without the cache, and tells the
// first difference of what the runs made. The exit code of the process if there is none, else 1.
Result<int> verify_twice(Invocation& invocation, v1::ExecuteRequest request);

}  // namespace kiln
