// Trees as files in a sandbox.
//
// What:    files as BlobFiles makes them, symlinks as given, directories 0755. Symlinks and
//          directories have the mtime store::kFixedTime. Every name is made relative to an open
//          directory: no path is walked twice, and nothing is ever made through a symlink. The
//          depth of a tree costs neither stack nor descriptors.
// Threads: stateless. Blocking.
// Cancels: kCancelled at the next entry after `stop` fires; what was made stays.
// Fails:   content that the store lacks, a full disk; the message names the path.
#pragma once

#include <stop_token>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/types/rel_path.h"
#include "daemon/exec/process.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

// The inputs of `process`, its working directory and the parents of its outputs, in the empty
// directory `root_fd`. Gives the working directory.
Result<UniqueFd> make_inputs(int root_fd, const Process& process, store::BlobFiles& files,
                             const std::stop_token& stop);

// Makes what is missing of the directory `path`, and opens it.
Result<UniqueFd> make_directory(int root_fd, const RelPath& path);

// Puts private copies of the files of `tree` where they were below `working_directory`: capture may
// have taken them. Directories and symlinks are still there.
Result<void> restore_files(int root_fd, const RelPath& working_directory, const store::Tree& tree,
                           store::BlobFiles& files, const std::stop_token& stop);

}  // namespace kiln::exec
