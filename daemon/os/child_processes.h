// What /proc says about processes, above all about the children of this one.
//
// A process whose parent dies becomes a child of the nearest subreaper above it (prctl(2),
// PR_SET_CHILD_SUBREAPER): of that process's first thread. So the children of our first thread are
// the orphans, as long as that thread starts no process itself.
// Threads: stateless but for the descriptor. Blocking.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::os {

// The children of one thread of this process. Thread-safe.
class ChildList {
 public:
  // All children of this process on kernels that cannot tell them apart by thread (built without
  // CONFIG_PROC_CHILDREN).
  static Result<ChildList> of_first_thread();
  // kNotFound on such kernels.
  static Result<ChildList> of_this_thread();

  // Their pids. One may be left out if another child is reaped meanwhile: look again.
  std::vector<pid_t> read() const;

 private:
  explicit ChildList(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;  // of /proc/PID/task/TID/children, see proc(5); invalid: search all of /proc
};

// From /proc/PID/stat.
struct ProcessFacts {
  bool ended = false;  // a zombie
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  uint64_t birth = 0;  // in clock ticks of 10 ms since the machine's start
};
std::optional<ProcessFacts> facts_of(pid_t pid);

// Whether the process has its working directory, its root, an open file or a mapping in
// `directory`, an absolute path. True if that cannot be found out.
bool reaches(pid_t pid, std::string_view directory);

enum class Ending : uint8_t {
  kGone,     // dead, and reaped if it was a child of this process
  kRefused,  // it belongs to another user
  kPending,  // killed, and not dead within the time: it waits for a device or a file system
};
// SIGKILLs `pid` if it is a child of this process, and waits.
Ending end_child(pid_t pid, int patience_ms);

}  // namespace kiln::os
