// Config: what a daemon is told at its start.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/ipc/paths.h"
#include "daemon/fetch/fetchers.h"
#include "daemon/intrinsics/files/git_settings.h"

namespace kiln::app {

struct Config {
  DaemonPaths paths;
  // Processes at once.
  size_t jobs = 2;
  // Exit after so long without a request; zero is never.
  std::chrono::seconds idle_timeout{std::chrono::hours{3}};
  // Directories to watch at most; 0 is the kernel's limit.
  uint64_t max_watches = 0;
  // Values of the memo beyond this many bytes are evicted; 0 is no cap.
  uint64_t memo_bytes = uint64_t{2} << 30;
  // With more nodes than this, those that nothing needs any more are forgotten; 0 is no limit.
  uint64_t memo_nodes = uint64_t{1} << 18;
  // Of the store to keep in memory, at most.
  uint64_t cache_bytes = uint64_t{32} << 20;
  // Where sandboxes of the level plain are made in memory: a directory in a tmpfs; empty: in the
  // first of `memory_places` that has room; "disk": nowhere.
  std::string sandbox_directory;
  std::vector<std::string> memory_places{"/dev/shm"};
  fetch::HttpOptions downloads;
  // Where git's configuration of the machine and of the daemon's user stands.
  intrinsics::GitUser git;
};

// What to do about a home that cannot be used.
inline constexpr const char* kHomeHint =
    "KILN_HOME is where kiln keeps its store; set it to a directory that can be written";

}  // namespace kiln::app
