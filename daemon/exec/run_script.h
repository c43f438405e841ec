// __run.sh: runs a process again in the sandbox that was kept.
// Threads: stateless. Blocking.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/exec/process.h"

namespace kiln::exec {

inline constexpr const char* kRunScript = "__run.sh";

// The script: enters the working directory, empties the environment, and runs `argv` (with
// {chroot} replaced) as kiln did, quoted so that every byte arrives.
std::string run_script(const std::string& sandbox_path, const Process& process,
                       const std::vector<std::string>& argv, const std::vector<std::string>& env);
// Writes it into the sandbox; leaves a file of that name alone that the process has put there.
Result<void> write_run_script(int sandbox_fd, const std::string& script);

}  // namespace kiln::exec
