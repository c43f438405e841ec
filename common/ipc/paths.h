// Where a daemon lives: its home, its socket, its locks, its log. Client and daemon compute the
// same answer from the same environment, and that is how they find each other.
//
// One daemon per home. The socket's name carries a hash of the home, so that two homes are two
// daemons even in one runtime directory.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

struct DaemonPaths {
  std::string home;         // KILN_HOME: store, sandboxes, log; absolute
  std::string runtime_dir;  // KILN_RUNTIME_DIR: socket and start lock; absolute, mode 0700
  std::string socket;       // runtime_dir/HASH.sock
  std::string start_lock;   // runtime_dir/HASH.start: held by the client that starts the daemon
  std::string life_lock;    // home/daemon.lock: held by the daemon for life (life_lock.h)
  std::string log;          // home/log/kilnd.log
};

// Looks up one environment variable.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

// KILN_HOME, else $XDG_CACHE_HOME/kiln, else $HOME/.cache/kiln; KILN_RUNTIME_DIR, else
// $XDG_RUNTIME_DIR/kiln, else /tmp/kiln-UID. Errors say which variable to set: a relative path, no
// HOME, a socket path longer than a socket address can be.
Result<DaemonPaths> daemon_paths(const Environment& environment);

// Makes the runtime directory, or checks the one that is there: a directory (no symlink) of this
// user with mode 0700. Anything else is refused, naming what is wrong.
Result<void> prepare_runtime_dir(const DaemonPaths& paths);

// An exclusive flock on `path`, made if missing (0600). Held until the descriptor closes, by death
// at the latest. Nothing if somebody else holds it and `wait` is false.
Result<std::optional<UniqueFd>> lock_file(const std::string& path, bool wait);

}  // namespace kiln
