// The durable Store: RocksDB column families, and large content in read-only files beside it.
// On-disk format: format.md. One process at a time; the caller holds the lock of KILN_HOME.
#pragma once

#include <memory>
#include <string>

#include "common/base/log.h"
#include "daemon/store/stores.h"

namespace kiln::store {

// A file in the store's directory. It exists from when damage has stopped the database, which takes
// no writes from then on, until the store is opened again and repaired.
inline constexpr const char* kRepairNote = "db.repair";

struct RocksOptions {
  std::string path;  // made if missing; its parent exists
  // Of the database's blocks to keep in memory, at most.
  uint64_t block_cache_bytes = uint64_t{32} << 20;
};

// Fails with a message for a person when the directory cannot be made or written, the disk is
// full, the database is damaged beyond RocksDB's own recovery (the message says how to start
// over), or it was written by a newer format. Destroying it flushes and closes. `log` outlives it.
Result<std::unique_ptr<Store>> open_rocks_store(const RocksOptions& options, Log& log);

}  // namespace kiln::store
