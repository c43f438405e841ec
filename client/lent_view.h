// What a request says of the caller's mount namespace (common/ipc/mount_view.h).
// Threads: stateless.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/result.h"

namespace kiln {

// Whether this process and the daemon with this number share a mount namespace. Not if the number
// is 0, nor if nobody may know.
bool shares_mount_namespace(pid_t daemon);

// Adds what this process sees of the workspace to a serialized request whose field `caller_field`
// is its Caller. A request that names no workspace stays as it is.
Result<void> lend_view(int caller_field, std::string& request);

}  // namespace kiln
