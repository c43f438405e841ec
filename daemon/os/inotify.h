// Inotify: one inotify(7) instance.
//
// Owns:    its descriptor; closing it removes all watches.
// Threads: single-owner, but for add() and remove(), which the kernel serialises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::os {

struct InotifyEvent {
  int watch = -1;  // -1 for IN_Q_OVERFLOW
  uint32_t mask = 0;
  uint32_t cookie = 0;  // pairs IN_MOVED_FROM with IN_MOVED_TO
  // The entry of the watched directory; empty for the directory itself. Valid until the next
  // read().
  std::string_view name;
};

class Inotify {
 public:
  static Result<Inotify> create();

  // Readable (poll) while events are queued.
  int fd() const { return fd_.get(); }
  // The watch descriptor, or -errno of inotify_add_watch(2). The same inode has one watch
  // descriptor, whatever path it was reached by.
  int add(const std::string& path, uint32_t mask);
  // Its queued events still come, and after them IN_IGNORED. Unknown is a no-op.
  void remove(int watch);
  // How many bytes of events are queued.
  Result<size_t> queued() const;
  // One read(2) of what is queued, without waiting: events in order, and how many bytes they took.
  Result<size_t> read(std::vector<InotifyEvent>& events);

 private:
  explicit Inotify(UniqueFd fd);
  UniqueFd fd_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace kiln::os
