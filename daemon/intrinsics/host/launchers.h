// Launchers: programs that start another one, which they choose by themselves.
//
// What:    for a launcher that is known, all that it may start and what it chooses by. Which one it
//          chooses may depend on variables and files that are in the key anyway (PYENV_VERSION,
//          .tool-versions among the inputs), so all candidates are taken: an upgrade of one that is
//          not chosen costs a miss. A launcher that is not known is said to be one.
// Source:  pyenv's and asdf's shims as `rehash` and `reshim` write them; rustup's proxies (one
//          program under the names of the tools); npm's node_modules.
// Threads: single-owner.
#pragma once

#include <string>
#include <vector>

#include "daemon/intrinsics/host/tool_parts.h"

namespace kiln::intrinsics {

// What a file starts.
struct Launch {
  std::vector<std::string> programs;  // absolute; those that are there are part of the tool
  std::vector<std::string> commands;  // to be found in PATH
  std::vector<std::string> files;     // settings and other content that belongs to it
  bool unknown = false;               // it starts something that cannot be told
};

// `path` as it is started, `found` what stands there.
Task<Result<Launch>> find_launch(HostLookup& host, const ToolEnvironment& environment,
                                 const std::string& path, const HostLookup::Found& found,
                                 const HostFile& file);

// The same of a shell script, by its text: whether its last command is `exec … "$@"`, and of what.
Launch launch_of_wrapper(std::string_view script);

}  // namespace kiln::intrinsics
