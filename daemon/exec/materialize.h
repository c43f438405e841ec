// Trees as files in a sandbox.
//
// What:    files as BlobFiles makes them, symlinks as given, directories 0755 with fixed mtimes.
//          Every name is made relative to an open directory: no path is walked twice, and nothing
//          is ever made through a symlink.
// Threads: stateless. Blocking.
// Fails:   content that the store lacks, a full disk; the message names the path.
#pragma once

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/types/rel_path.h"
#include "daemon/exec/process.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

// The inputs of `process`, its working directory and the parents of its outputs, in the empty
// directory `root_fd`. Gives the working directory.
Result<UniqueFd> make_inputs(int root_fd, const Process& process, store::BlobFiles& files);

// Puts private copies of the files of `tree` where they were below `working_directory`: capture may
// have taken them. Directories and symlinks are still there.
Result<void> restore_files(int root_fd, const RelPath& working_directory, const store::Tree& tree,
                           store::BlobFiles& files);

}  // namespace kiln::exec
