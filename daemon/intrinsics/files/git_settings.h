// What git's configuration says about ignored files, in one repository.
//
// Source:  https://git-scm.com/docs/git-config: files and their order, include.path, includeIf
//          (gitdir:, gitdir/i:, onbranch:), core.excludesFile, extensions.objectFormat.
// Threads: free functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/intrinsics/files/fs_functions.h"

namespace kiln::intrinsics {

// Where the configuration of the machine and of the user stands. The user is the daemon's.
struct GitUser {
  std::vector<std::string> config_files;  // absolute, the weakest first; they need not exist
  std::string home;                       // what "~" stands for; empty if there is none
  std::string excludes_file;              // if no core.excludesFile is set; empty if there is none
};

// A repository whose `.git` was found. All paths are of the host.
struct GitPlace {
  RelPath top;         // of its work tree
  RelPath git_dir;     // of this work tree
  RelPath common_dir;  // of all work trees of the repository
};

struct GitSettings {
  std::string excludes_file;  // absolute, or relative to the top; empty if there is none
  bool sha256 = false;        // the hash of object names
};

// Every file that was read or looked for becomes a dependency of `context`. What is malformed
// counts up to the error. A condition of an include that kiln does not know is false.
Task<Result<GitSettings>> read_git_settings(graph::Context& context, const FsFunctions& fs,
                                            const Workspace& host, const GitUser& user,
                                            const GitPlace& place);

}  // namespace kiln::intrinsics
