// Goals of one caller: from words to an answer of one state.
// Threads: see RootRun; resumes on the graph's executor.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/async/task.h"
#include "daemon/rules/root_run.h"
#include "daemon/session/engine.h"
#include "daemon/session/interactive.h"
#include "daemon/session/root_params.h"
#include "daemon/session/run.h"

namespace kiln::session {

struct GoalRequest {
  std::vector<std::string> goals;
  RootRequest root;
};

struct GoalAnswer {
  int exit_code = 0;
  ClockTick clock;
};

// How goals reach their client. An error ends the run.
struct GoalClient {
  // May wait for a slow reader.
  std::function<Task<Result<void>>(rules::Console::Text)> print;
  // Runs a process in the client's terminal; gives its exit code. Ends early when the token fires.
  // Empty: the client has no terminal.
  std::function<Task<Result<int>>(InteractiveSpec, std::stop_token)> interact;
  // watch_goals() only: one round is over.
  std::function<Task<Result<void>>(Result<GoalAnswer>)> finished;
};

// Runs the goals in order, until one answers no. Unknown goals are refused before any runs.
Task<Result<GoalAnswer>> run_goals(const Engine& engine, const Run& run, GoalRequest request,
                                   const GoalClient& client);
// As run_goals(), and again whenever something that it read has changed; ends when the run is
// cancelled or the client is gone.
Task<Result<void>> watch_goals(const Engine& engine, const Run& run, GoalRequest request,
                               const GoalClient& client);

}  // namespace kiln::session
