// Where the daemon's user keeps git's configuration.
// Source:  https://git-scm.com/docs/git-config, FILES and ENVIRONMENT; core.excludesFile.
#pragma once

#include "common/ipc/paths.h"
#include "daemon/intrinsics/files/git_settings.h"

namespace kiln::app {

intrinsics::GitUser git_user(const Environment& environment);

}  // namespace kiln::app
