// HostTools: the content of executables of the host, hashed once for each state of the file.
// Threads: thread-safe. digest() blocks.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "common/types/digest.h"
#include "daemon/intrinsics/files/fs_counters.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

class HostTools {
 public:
  explicit HostTools(FsCounters& counters) : counters_(counters) {}

  // Without looking at the file, if this state of it was hashed before.
  std::optional<FileDigest> known(const std::string& absolute_path,
                                  const store::FileStat& stat) const;
  Result<FileDigest> digest(const std::string& absolute_path);

 private:
  struct Known {
    store::FileStat stat;
    FileDigest digest;
  };
  FsCounters& counters_;
  Synchronized<std::map<std::string, Known>> known_;
};

}  // namespace kiln::intrinsics
