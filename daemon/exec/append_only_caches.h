// Append-only caches: named directories that outlive processes and are shared by all that ask for
// the same name. What is in them is the tools' own business.
//
// Threads: stateless. Blocking.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/exec/process.h"

namespace kiln::exec {

// Makes the directories of the process's caches below `root`, closed to other users.
Result<void> make_caches(const std::string& root, const Process& process);

// Has each cache shown in the sandbox `sandbox_fd`: a symlink to `seen_at`/NAME. An error if the
// inputs have something there.
Result<void> link_caches(int sandbox_fd, const Process& process, std::string_view seen_at);

}  // namespace kiln::exec
