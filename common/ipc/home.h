// Whose home it is: KILN_HOME is for one user alone.
//
// Why:     `sudo kiln`, where sudo keeps HOME, would leave root's files in a user's store, and the
//          user could not use it any more. So a home of somebody else is refused, and so is a home
//          with parts that belong to somebody else. One that others may enter is closed to them.
// Threads: stateless. Blocking.
// Fails:   with kPermissionDenied, which names the path, its owner and what to do.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/ipc/paths.h"

namespace kiln {

// On whose behalf this process works.
struct Identity {
  uid_t user;                           // the effective one
  std::optional<uid_t> sudo_from = {};  // who said `sudo`
};
Identity current_identity(const Environment& environment);

// "root (uid 0)"; of a user whom /etc/passwd does not list, "uid 4711".
std::string user_text(uid_t user);

// For the client, before it asks or starts a daemon: the home, if there is one, is this user's; if
// there is none, this is not the place of somebody who said `sudo`.
Result<void> check_home(const DaemonPaths& paths, const Identity& identity);

// For the daemon, before it uses the home: makes it, checks all that an earlier kiln may have left
// in it, and closes it and the directories in it to other users (0700).
Result<void> prepare_home(const DaemonPaths& paths, const Identity& identity);

}  // namespace kiln
