// Enclosure: what keeps one process, its leader, and all its descendants together until all ended.
//
// Threads: single-owner; all calls come from the thread that starts the leader.
#pragma once

#include <cstddef>
#include <optional>

#include "common/base/result.h"
#include "common/types/ids.h"
#include "daemon/os/child_processes.h"
#include "daemon/os/spawn.h"

namespace kiln::exec {

class Enclosure {
 public:
  // How an enclosure was ended.
  struct Settled {
    std::optional<os::ExitStatus> status;  // nothing: the leader cannot be reaped now
    size_t killed = 0;                     // of those that had left the leader's group
    // Nothing inside is alive, as far as can be known.
    bool complete = true;
  };

  virtual ~Enclosure() = default;
  // Starts the leader, which leads a process group. Called once.
  virtual Result<os::Child> start(int stdout_fd, int stderr_fd) = 0;
  // Sends SIGTERM to everything inside.
  virtual void terminate(const os::Child& leader) = 0;
  // Kills everything inside and reaps the leader, which has ended or does not end. Returns at
  // `deadline` at the latest, and takes over what is left then.
  virtual Result<Settled> end(os::Child leader, Deadline deadline) = 0;
};

}  // namespace kiln::exec
