// Missing inputs: files of the workspace that a failed process asked for and that were no inputs.
//
// What:    what a process wrote names the files that it did not find, each tool in its own words.
// Of
//          those names only paths are kept that are there in the workspace and not among the
//          inputs: a wrong hint is worse than none. It costs nothing while nothing fails.
// Threads: stateless. missing_inputs() blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/types/rel_path.h"
#include "daemon/exec/process.h"

namespace kiln::session {

// A file that was not found, as the output names it.
struct NotFound {
  std::string name;
  std::string
      beside;  // the file whose line mentions it, such as the source of an include; or empty
  friend bool operator==(const NotFound&, const NotFound&) = default;
};

// In the order of the output, each once, at most 100. Knows the words of cc, clang, Python, Node,
// shells, make and of whatever prints strerror(3).
std::vector<NotFound> not_found_in(std::string_view output);

// Paths from the workspace root, sorted, at most 5. `output` is what `process` wrote.
std::vector<std::string> missing_inputs(const std::string& workspace_root,
                                        const exec::Process& process, std::string_view output);

// The path from the workspace root of a command that is to be an input, such as "./tool", if there
// is such a file in the workspace; else empty. Blocks.
std::string command_in_workspace(const std::string& workspace_root,
                                 const std::string& working_directory, std::string_view command);

}  // namespace kiln::session
