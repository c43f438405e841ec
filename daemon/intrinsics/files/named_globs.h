// Globs that a caller typed, read against the disk.
//
// What names something that exists is that path, whatever characters it has: the shell has expanded
// the line already. ".." means what it means to the kernel: behind a symlink, the parent of the
// directory that the link leads to.
#pragma once

#include <string>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/fs_functions.h"

namespace kiln::intrinsics {

// `globs` in the syntax of os::GlobSet, without "..". What is looked at becomes a dependency of
// `context`. Fails, naming the glob, if ".." leads out of the workspace or through what is no
// directory.
Task<Result<std::vector<std::string>>> named_globs(graph::Context& context, const FsFunctions& fs,
                                                   const Workspace& workspace,
                                                   std::vector<std::string> globs);

}  // namespace kiln::intrinsics
