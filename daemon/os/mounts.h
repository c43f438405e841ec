// Mounts: what is mounted where, in the mount namespace of this process.
//
// Source:  /proc/self/mountinfo (proc_pid_mountinfo(5)); poll(2) on it tells of changes, which have
//          happened by the time that mount(2) or umount(2) returns.
// Threads: single-owner. parse_mounts() is stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::os {

struct Mount {
  uint64_t id = 0;     // the kernel gives it to another mount later
  std::string device;  // "8:1"
  std::string root;    // what of that file system is mounted
  std::string point;   // where; absolute
  std::string type;    // "ext4", "fuse.sshfs"
  std::string source;  // "server:/export"; means what the type says
  friend bool operator==(const Mount&, const Mount&) = default;
};

// Lines that are none are left out.
std::vector<Mount> parse_mounts(std::string_view mountinfo);

// Whether another machine or a program answers for this type, so that any access may wait for it
// without end.
bool is_served_elsewhere(std::string_view type);

class Mounts {
 public:
  // Fails where there is no /proc.
  static Result<Mounts> open();

  // Readable by poll(2) with POLLPRI when something was mounted or unmounted since the last
  // changed(), or since the last poll of this very descriptor.
  int fd() const { return fd_.get(); }
  // Whether anything was mounted or unmounted since the last call; true the first time. 0.3 µs.
  bool changed();
  Result<std::vector<Mount>> read();

 private:
  explicit Mounts(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
  bool asked_ = false;
};

// The mount points at which something else is mounted, or nothing any more.
std::vector<std::string> changed_points(const std::vector<Mount>& before,
                                        const std::vector<Mount>& after);

}  // namespace kiln::os
