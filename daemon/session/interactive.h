// Interactive processes: the daemon makes their sandbox, a client runs them in its terminal.
//
// What:    run_interactive() captures the inputs, makes the sandbox and hands the place to the
//          client. It ends when the client reports the exit code. With `restartable` it watches the
//          inputs meanwhile: when they change, it makes a new sandbox and has the client start the
//          process again. Nothing is cached.
// Threads: resumes on the graph's executor; InteractiveReplies is thread-safe.
// Cancels: when the run is cancelled it ends with kCancelled and gives the place back.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "common/base/sync.h"
#include "daemon/exec/interactive_sandboxes.h"
#include "daemon/session/engine.h"
#include "daemon/session/executions.h"
#include "daemon/session/run.h"

namespace kiln::session {

struct InteractiveSpec {
  ProcessSpec process;            // outputs, time limit and cache scope are refused
  bool run_in_workspace = false;  // its directory is the workspace, and it has no inputs
  bool inherit_env = false;       // the client adds its own environment, below the process's
  bool restartable = false;       // it starts again when its inputs change
};

// What the client reports of its process.
class InteractiveReplies {
 public:
  // How it ended; nothing: it was started. An error: it could not be started.
  using Reply = std::optional<Result<int>>;
  void put(Reply reply);
  std::optional<Reply> take();
  // Fires when a reply is there, or `stop` fires. One waiter at a time.
  std::stop_token next();

 private:
  struct State {
    std::deque<Reply> replies;
    std::stop_source waiter{std::nostopstate};
  };
  Synchronized<State> state_;
};

struct InteractiveClient {
  // Starts the process there; one that runs already is ended first. The place lives until the
  // client has reported the next start or the end.
  std::function<Task<Result<void>>(const exec::InteractivePlace&)> start;
  InteractiveReplies& replies;
};

// The exit code; ended by signal N: -N.
Task<Result<int>> run_interactive(const Engine& engine, const Run& run,
                                  exec::InteractiveSandboxes& sandboxes, InteractiveSpec spec,
                                  InteractiveClient client);

}  // namespace kiln::session
