// HostTools: the content of executables of the host, hashed once for each state of the file.
// Threads: thread-safe. A look costs an open and a stat; hashing blocks.
#pragma once

#include <map>
#include <string>

#include "common/base/result.h"
#include "common/base/sync.h"
#include "common/types/digest.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

class HostTools {
 public:
  Result<FileDigest> digest(const std::string& absolute_path);

 private:
  struct Known {
    store::FileStat stat;
    FileDigest digest;
  };
  Synchronized<std::map<std::string, Known>> known_;
};

}  // namespace kiln::intrinsics
