// Polling: what waits for a change also looks, every second, at what nobody tells of.
//
// Threads: thread-safe.
#pragma once

#include <chrono>
#include <string>

#include "daemon/intrinsics/files/workspace.h"
#include "daemon/session/engine.h"
#include "daemon/session/run.h"

namespace kiln::session {

// How often: whether the workspace's root is where it was, and what was read and could not be
// watched.
inline constexpr std::chrono::seconds kPollEvery{1};

// Has what was read of the run's workspace and could not be watched looked at again. The barrier of
// the next request looks at the root.
void poll_untold(const Engine& engine, const Run& run);
// What a user is told, once, of directories of that kind.
std::string untold_message(const intrinsics::Workspace& workspace);

}  // namespace kiln::session
