// Mounting, with the error messages of the rest of the daemon.
//
// Threads: for single-threaded processes with a mount namespace of their own.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::confine {

// A new file system of `type` at `target`.
Result<void> mount_new(const char* type, const std::string& target, unsigned long flags,
                       const std::string& data);

// Opens `path` as it is in the directory tree `root_fd`: symlinks in it, absolute ones included,
// resolve inside that tree.
Result<UniqueFd> open_in(int root_fd, const std::string& path, uint64_t flags);

// Attributes of a bind mount; all of them are nosuid and private.
struct BindAttributes {
  bool read_only = true;
  bool devices = false;
  bool recursive = true;  // with the mounts below
};
// Shows what `source_fd` (O_PATH) refers to at `target`, which exists and is of the same kind.
Result<void> bind(int source_fd, const std::string& target, const BindAttributes& attributes);

// Makes the directory `new_root`, a mount, the root, and drops the old one from view.
Result<void> leave_root_for(const std::string& new_root);

// Makes the mount at "/" read-only, but not those below it.
Result<void> make_root_read_only();

}  // namespace kiln::confine
