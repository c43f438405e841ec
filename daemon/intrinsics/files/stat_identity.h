// When the stat of a file stands for its content.
// Threads: stateless.
#pragma once

#include <chrono>

#include "daemon/os/directory.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

inline store::FileStat identity(const os::Stat& stat) {
  return {stat.device, stat.inode, stat.size, stat.mtime_ns, stat.ctime_ns};
}

// A file changed less than this ago may change again within the same timestamp, so its stat does
// not identify its content yet (git calls it racily clean). Kernel timestamps advance by ticks of
// at most 10 ms.
inline constexpr std::chrono::milliseconds kRacyWindow{50};

inline bool settled(const os::Stat& stat) {
  const auto age =
      std::chrono::system_clock::now().time_since_epoch() - std::chrono::nanoseconds(stat.ctime_ns);
  return age > kRacyWindow;
}

}  // namespace kiln::intrinsics
