// What a request begins with: is its workspace there?
#pragma once

#include "common/base/result.h"
#include "daemon/async/task.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"

namespace kiln::session {

// Whether the root of the run's workspace is there. Of a request whose root is missing nothing is
// remembered.
// Cancels: with the run, also while the file system does not answer.
// Fails:   kNotFound, and what else opening a directory may end in; kTimedOut if what serves the
//          file system does not answer for half a minute.
Task<Result<void>> enter_workspace(const Engine& engine, const Run& run);

}  // namespace kiln::session
