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
// not identify its content yet (git calls it racily clean, Documentation/technical/racy-git.txt).
// Kernel timestamps advance by ticks of at most 10 ms.
inline constexpr std::chrono::milliseconds kRacyWindow{50};

// A ctime in whole milliseconds was not taken from the kernel's clock as it is. Either the file
// system keeps no finer times (ext4 with small inodes and ext3: 1 s; vfat: 2 s; exfat: 10 ms;
// others by way of the network), or the times were set when an image was made (squashfs, erofs,
// iso9660, and any type that `mke2fs -d` and its like fill): two images that differ may agree in
// every stat. So such a ctime proves nothing, however old it is. One fine time in a million looks
// like that too, and costs reading that file again.
inline bool has_fine_times(const os::Stat& stat) { return stat.ctime_ns % 1'000'000 != 0; }

// The same where times may be as coarse as a file system has them (vfat: 2 s).
inline constexpr std::chrono::seconds kCoarseRacyWindow{3};

// Whether every change after `moment` moves the stat for as long as the same file system is mounted
// there: another image may have the same stats.
inline bool settled_while_mounted(const os::Stat& stat,
                                  std::chrono::system_clock::time_point moment) {
  const auto age = moment.time_since_epoch() - std::chrono::nanoseconds(stat.ctime_ns);
  return age > (has_fine_times(stat) ? std::chrono::nanoseconds(kRacyWindow) : kCoarseRacyWindow);
}

// Whether every change after `moment` moves the stat, so that an equal stat means equal content.
// `moment` is before the stat was taken.
inline bool settled(const os::Stat& stat, std::chrono::system_clock::time_point moment) {
  const auto age = moment.time_since_epoch() - std::chrono::nanoseconds(stat.ctime_ns);
  return has_fine_times(stat) && age > kRacyWindow;
}

}  // namespace kiln::intrinsics
