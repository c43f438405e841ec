// Preparation: from a caller's words to a process with its key.
#pragma once

#include <string>
#include <vector>

#include "daemon/intrinsics/process_runs.h"
#include "daemon/session/engine.h"
#include "daemon/session/process_spec.h"
#include "daemon/session/queries.h"
#include "daemon/session/run.h"

namespace kiln::session {

// The process as it would run: its inputs captured, its tool found.
Task<Result<Asked<intrinsics::PreparedExecution>>> prepare(const Engine& engine, const Run& run,
                                                           const ProcessSpec& spec);
// What to tell a caller of a prepared process.
std::vector<std::string> warnings_of(const intrinsics::PreparedExecution& prepared);

}  // namespace kiln::session
