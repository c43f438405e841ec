// Command: a process as it is handed to the kernel.
// Threads: immutable values.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/exec/process.h"
#include "daemon/exec/runner.h"

namespace kiln::exec {

struct Command {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value"
  std::string executable;
};

// With {chroot} replaced by `sandbox_path`, and the slot's number in the variable that the process
// names for it.
Command command_in(const std::string& sandbox_path, const RunRequest& request);

// Refuses strings that would arrive as something else, or that a REAPI Command cannot hold.
Result<void> check_strings(const Process& process);

}  // namespace kiln::exec
