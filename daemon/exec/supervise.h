// The life of one spawned process, from start to the end of its last descendant.
//
// Threads: the calling thread stays with the process until the end. The enclosure says which
//          threads may call.
// Cancels: on `stop` the process, its group and all its descendants are killed at once.
// Ends:    a process that was killed and does not die (it waits for a device or a file system, or
//          another process traces it) is left alone after `patience`.
// Fails:   what the enclosure refuses; a sink that cannot take more output, after everything is
// killed.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "common/base/result.h"
#include "daemon/exec/enclosure.h"
#include "daemon/exec/output_sink.h"

namespace kiln::exec {

struct Supervision {
  OutputSink& stdout_sink;
  OutputSink& stderr_sink;
  std::optional<std::chrono::nanoseconds> timeout;
  std::chrono::milliseconds grace;     // between SIGTERM and SIGKILL on timeout
  std::chrono::milliseconds patience;  // after a SIGKILL, until what was killed is given up
  std::stop_token stop;
};

struct Ended {
  os::ExitStatus status;
  bool timed_out = false;
  bool cancelled = false;  // killed because of `stop`; never one that had ended by itself
  std::chrono::nanoseconds wall{0};
  size_t descendants_killed = 0;  // of those that had left the process's group
  // Neither it nor a descendant is alive, as far as can be known. If not, its sandbox must not be
  // used again.
  bool all_gone = true;
};

// Starts the process in `enclosure` and stays until neither it nor any descendant is alive. Output
// that a descendant wrote before it was killed is complete.
Result<Ended> supervise(Enclosure& enclosure, const Supervision& how);

}  // namespace kiln::exec
