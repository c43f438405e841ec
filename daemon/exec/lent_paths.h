// What a tool needs of the machine to run in a strict sandbox, where it is not among the paths that
// every strict sandbox shows.
//
// Threads: stateless. Blocking.
#pragma once

#include <string>
#include <vector>

namespace kiln::exec {

// Paths to lend, read-only, for the executable `tool` (absolute): sorted, unique.
//   a Python virtual environment      the environment, and its base interpreter
//   pyenv, rustup, nvm, asdf          the directory of the version
//   else                              the executable's directory, by its own name and resolved;
//                                     only the file where that is the home or a workspace
// Empty if the tool is below /usr and the like.
std::vector<std::string> lent_paths_of(const std::string& tool);

}  // namespace kiln::exec
