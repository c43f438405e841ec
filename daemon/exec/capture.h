// What a process left behind, as a tree in the store.
//
// What:    the declared outputs, relative to the working directory: files, symlinks as symlinks,
//          directories with everything below, empty ones too. Sockets, fifos and devices are
//          skipped. No symlink is followed: an output that stands behind one is missing, as is one
//          of the wrong kind.
// Threads: stateless. Blocking. The process and its descendants have ended.
// Cancels: kCancelled soon after `stop` fires, within one large file too.
// Fails:   names that are not UTF-8, directories nested deeper than a tree may be, what cannot be
//          read, a full disk; the message names the path.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/exec/process.h"
#include "daemon/store/stores.h"

namespace kiln::exec {

struct MissingOutput {
  RelPath path;
  std::string why;  // "was not made", "is a symlink, not a directory"
};

struct Capture {
  store::TreePtr tree;
  std::vector<MissingOutput> missing;  // sorted by path
};

// Files are taken out of the sandbox. The tree is not yet saved.
Result<Capture> capture_outputs(int sandbox_fd, const Process& process, store::BlobFiles& files,
                                const std::stop_token& stop);

}  // namespace kiln::exec
