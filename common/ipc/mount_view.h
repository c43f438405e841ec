// What a mount namespace shows of a workspace, so that a client and a daemon in different
// namespaces can find out whether they see the same files.
//
// Threads: stateless.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace kiln::v1 {
class MountView;
}  // namespace kiln::v1

namespace kiln {

// What this process sees of `root`, an absolute path without symbolic links.
// Fails: if `root`, "/" or /proc/self/mountinfo cannot be looked at.
Result<void> fill_mount_view(const std::string& root, v1::MountView& view);

// The same from the text of a mountinfo file (proc(5)): the mounts alone. A mount that shows what
// would be there without it, as a remount for other flags does, is left out.
void fill_mounts(const std::string& root, std::string_view mountinfo, v1::MountView& view);

// What two views do not share, for a person; empty if they show the same files.
std::string difference(const v1::MountView& theirs, const v1::MountView& ours);

}  // namespace kiln
