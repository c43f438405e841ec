// FileIngest: the content of one workspace file into the store, whole and unmixed.
//
// A file whose stat is remembered is not read. A file that changes while it is read is read again.
// Threads: thread-safe. Blocking.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "common/base/result.h"
#include "common/types/rel_path.h"
#include "daemon/intrinsics/fs_counters.h"
#include "daemon/os/directory.h"
#include "daemon/store/stores.h"

namespace kiln::intrinsics {

class FileIngest {
 public:
  FileIngest(store::Store& store, FsCounters& counters) : store_(store), counters_(counters) {}

  // The file's content, if this state of it was read before and the store still has it.
  std::optional<store::File> known(const std::string& absolute, const os::Stat& stat);
  // Reads and stores it; nothing if it is gone or no regular file any more. Fails when it keeps
  // changing, cannot be read, or `stop` fires.
  Result<std::optional<store::File>> read(int root_fd, const RelPath& path,
                                          const std::string& absolute, const std::stop_token& stop);

 private:
  Result<FileDigest> store_content(int fd, int64_t size, const std::string& absolute,
                                   const std::stop_token& stop);
  store::Store& store_;
  FsCounters& counters_;
};

}  // namespace kiln::intrinsics
