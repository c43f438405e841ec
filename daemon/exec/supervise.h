// The life of one spawned process, from start to the end of its last descendant.
//
// Threads: the calling thread stays with the process until the end; see os::spawn for which threads
//          may.
// Cancels: on `stop` the process, its group and all its descendants are killed at once.
// Fails:   what os::spawn refuses; a sink that cannot take more output, after everything is killed.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "common/base/result.h"
#include "daemon/exec/output_sink.h"
#include "daemon/os/spawn.h"

namespace kiln::exec {

struct Supervision {
  OutputSink& stdout_sink;
  OutputSink& stderr_sink;
  std::optional<std::chrono::nanoseconds> timeout;
  std::chrono::milliseconds grace;  // between SIGTERM and SIGKILL on timeout
  std::stop_token stop;
};

struct Ended {
  os::ExitStatus status;
  bool timed_out = false;
  bool cancelled = false;  // killed because of `stop`; never one that had ended by itself
  std::chrono::nanoseconds wall{0};
  size_t descendants_killed = 0;  // of those that had left the process's group
};

// What a process and its descendants are kept together by.
class Enclosure {
 public:
  virtual ~Enclosure() = default;
  // Starts the process; it leads a process group. Called once.
  virtual Result<os::Child> start(int stdout_fd, int stderr_fd) = 0;
  // Sends `signal` to every process that is inside.
  virtual void signal_all(int signal) = 0;
  // The process has been reaped. Kills whatever else is inside; returns when nothing of it is alive
  // any more. How many there were.
  virtual Result<size_t> end() = 0;
};

// Starts the process in `enclosure` and stays until neither it nor any descendant is alive. Output
// that a descendant wrote before it was killed is complete.
Result<Ended> supervise(Enclosure& enclosure, const Supervision& how);

// The same for a process that is spawned by `request`, whose stdout_fd and stderr_fd are filled in
// here. Its descendants are found by its tag.
Result<Ended> supervise(os::SpawnRequest request, const Supervision& how);

}  // namespace kiln::exec
