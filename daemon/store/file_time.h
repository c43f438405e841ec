// The mtimes of files in sandboxes.
//
// What:    a file's mtime is a function of its content's digest: the same in every run and on every
//          machine, and another one for other content. Tools that remember files by path, mtime and
//          size (Python's bytecode, Go's test cache, mypy, ruff) so notice every edit.
//          Values are whole even seconds from 1980-01-02 to 2018-12-31 UTC. That range fits zip
//          (local time since 1980 in steps of two seconds), tar, cpio, git's index and signed
//          32-bit time, and lies in the past, so that make does not warn of clock skew.
// Threads: stateless.
#pragma once

#include <cstdint>

#include "common/types/digest.h"

namespace kiln::store {

// Of directories, symlinks and stored files: 2010-01-01T00:00:00Z.
inline constexpr int64_t kFixedTime = 1262304000;

inline constexpr int64_t kEarliestFileTime = 315619200;  // 1980-01-02T00:00:00Z
inline constexpr int64_t kLatestFileTime = 1546300798;   // 2018-12-31T23:59:58Z

// In seconds since the epoch. Two contents have one time with a chance of 1 in 600 million.
constexpr int64_t file_time(const FileDigest& digest) {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | digest.hash[static_cast<size_t>(i)];
  constexpr uint64_t kTimes = (kLatestFileTime - kEarliestFileTime) / 2 + 1;
  return kEarliestFileTime + 2 * static_cast<int64_t>(number % kTimes);
}

}  // namespace kiln::store
