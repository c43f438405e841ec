// DiskReserve: keeps the last bytes of a file system from the database.
//
// Why:     Debian's RocksDB is built with assertions, and one of them ends the process when a log
//          that a full disk once refused to grow is synchronised later. So writes are refused while
//          there is still room for what RocksDB itself has to write in the background.
// Threads: thread-safe. Asks the file system once for every MiB written, and at every write while
//          space is short.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace kiln::store {

class DiskReserve {
 public:
  explicit DiskReserve(std::string path) : path_(std::move(path)) {}

  // kResourceExhausted unless `bytes` more leave the reserve untouched.
  Result<void> take(size_t bytes);

 private:
  const std::string path_;
  std::atomic<int64_t> granted_{0};  // bytes that may be written before asking again
};

}  // namespace kiln::store
