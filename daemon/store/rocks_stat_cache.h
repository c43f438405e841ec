// What files held, by path, as records. Writes are gathered: losing some costs only reading those
// files again, and a capture makes thousands.
// Threads: thread-safe. Blocking.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/base/sync.h"
#include "daemon/store/rocks_db.h"
#include "daemon/store/stores.h"

namespace kiln::store {

class RocksStatCache final : public StatCache {
 public:
  RocksStatCache(RocksDb& db, Log& log) : db_(db), log_(log) {}
  // Writes what is gathered.
  ~RocksStatCache() override;

  std::optional<FileDigest> get(std::string_view absolute_path, const FileStat& stat) override;
  void put(std::string_view absolute_path, const FileStat& stat, const FileDigest& digest) override;

 private:
  struct Known {
    FileStat stat;
    FileDigest digest;
  };
  using Gathered = absl::flat_hash_map<std::string, Known>;
  struct State {
    std::shared_ptr<Gathered> gathering = std::make_shared<Gathered>();
    std::shared_ptr<const Gathered> writing;  // by one thread at a time
  };

  std::optional<Known> read(std::string_view path);
  void write(const Gathered& gathered);

  RocksDb& db_;
  Log& log_;
  Synchronized<State> state_;
};

}  // namespace kiln::store
