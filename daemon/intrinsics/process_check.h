// The first look at a process as its author wrote it.
#pragma once

#include "common/base/result.h"
#include "daemon/exec/process.h"
#include "daemon/intrinsics/process_values.h"

namespace kiln::intrinsics {

// The process with its paths and numbers checked; the tree of its inputs is the caller's to set.
Result<exec::Process> checked(const Process& process);

}  // namespace kiln::intrinsics
