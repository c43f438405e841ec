// Where tests make their directories: where temporary files go, or /var/tmp if that is in memory,
// since there the stat of a file is never remembered (daemon/os/shared_mapping.h).
#pragma once

#include <linux/magic.h>
#include <sys/vfs.h>

#include <filesystem>

namespace kiln::test {

inline std::filesystem::path disk_directory() {
  auto directory = std::filesystem::temp_directory_path();
  struct statfs fs;
  const bool in_memory = ::statfs(directory.c_str(), &fs) == 0 && fs.f_type == TMPFS_MAGIC;
  return in_memory ? "/var/tmp" : directory;
}

}  // namespace kiln::test
