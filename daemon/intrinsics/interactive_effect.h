// InteractiveEffect: processes that a goal rule runs in the caller's terminal. A parameter of goal
// rules only.
//
//   GoalRule<Gets<…>> repl(Interactive& interactive, …) {
//     int exit_code = 0;
//     KILN_CO_TRY(co_await interactive.run({.argv = {"python3"}, …}, exit_code));
//     co_return exit_code;
//   }
//
// Source:  InteractiveProcess and Effect of Pants' rules API.
// Threads: single-owner, as the goal.
// Fails:   a process that cannot be started; a caller without a terminal of its own.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/async/task.h"
#include "daemon/intrinsics/tree_values.h"
#include "daemon/rules/rule.h"

namespace kiln::intrinsics {

// Never cached; never run twice for one request unless it is restartable.
struct InteractiveProcess {
  std::vector<std::string> argv;
  std::string description;
  DirectoryDigest input_digest;  // the files of its sandbox; empty with run_in_workspace
  std::map<std::string, std::string> env;
  std::string working_directory;  // relative to the sandbox or the workspace
  bool run_in_workspace = false;
  bool hermetic_env = true;  // false: the caller's environment, with `env` on top of it
  // When something that the goal has read changes, the process is ended and the goal begins anew.
  bool restartable = false;
};

class InteractiveEffect {
 public:
  static constexpr std::string_view kTypeName = "Interactive";
  static constexpr bool kSideEffect = true;

  // Runs the process to its end; gives its exit code.
  using Run = std::function<Task<Result<int>>(InteractiveProcess)>;
  explicit InteractiveEffect(Run run) : run_(std::move(run)) {}

  // `exit_code` is set when the effect is done: 0 to 255, or -N when ended by signal N.
  rules::Effect run(InteractiveProcess process, int& exit_code) {
    return {[this, process = std::move(process), &exit_code] { return act(process, exit_code); }};
  }

 private:
  Task<Result<void>> act(InteractiveProcess process, int& exit_code) const {
    KILN_CO_ASSIGN(exit_code, co_await run_(std::move(process)));
    co_return Result<void>();
  }

  const Run run_;
};

}  // namespace kiln::intrinsics
