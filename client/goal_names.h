// The goals of a daemon: which of its rules a person can run by name. The client knows none of them
// by itself, except those that come with kiln.
// Threads: stateless. Blocks.
#pragma once

#include <string>
#include <vector>

#include "client/session.h"
#include "common/base/result.h"

namespace kiln {

struct GoalName {
  std::string name;
  std::string summary;  // one sentence
};

// Of the daemon of this session, which is started if there is none.
Result<std::vector<GoalName>> ask_goals(Session& session);

// Of the daemon that runs; nothing if there is none, or if it does not say.
std::vector<GoalName> goals_of_running_daemon(const DaemonPaths& paths, Interrupt& interrupt);

}  // namespace kiln
