// What a tool needs of the machine to run in a strict sandbox, where it is not among the paths that
// every strict sandbox shows.
//
// Threads: stateless. Blocking.
#pragma once

#include <string>
#include <vector>

#include "daemon/exec/process.h"

namespace kiln::exec {

// Paths to lend, read-only, for what `tool` is made of: sorted, none below another.
//   a program of a Python virtual environment   the environment, and its base interpreter
//   of pyenv, rustup, nvm, asdf                 the directory of the version
//   another program, a library, a loader        its directory, by its own name and resolved; only
//                                               the file where that is the home or a workspace
//   a directory of Python packages              itself
// Nothing for what is below /usr and the like. And `others`.
std::vector<std::string> lent_paths_of(const HostTool& tool,
                                       const std::vector<std::string>& others = {});

}  // namespace kiln::exec
