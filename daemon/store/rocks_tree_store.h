// Directory messages as records, trees in memory shared while anybody holds them.
//
// Order:   a directory is written after, or together with, all below it; so where a directory is
//          stored, the whole tree is, but for damage. What damage took away is found by load(),
//          which drops every directory on the way to it, so that the next save() writes them again.
// Threads: thread-safe. Blocking.
#pragma once

#include <absl/container/flat_hash_map.h>

#include "common/base/log.h"
#include "common/base/sync.h"
#include "daemon/store/rocks_db.h"
#include "daemon/store/stores.h"

namespace kiln::store {

class RocksTreeStore final : public TreeStore {
 public:
  RocksTreeStore(RocksDb& db, Log& log) : db_(db), log_(log) {}

  Result<void> save(const TreePtr& tree) override;
  Result<TreePtr> load(const Digest& digest) override;

 private:
  class Saving;
  // Trees known to be stored; the object is gone when nobody holds it.
  struct Known {
    absl::flat_hash_map<Digest, std::weak_ptr<const Tree>> trees;
    size_t sweep_at = 1024;  // entries at which the dead ones are removed
  };

  bool is_known(const Digest& digest) const;
  TreePtr find_in_memory(const Digest& digest) const;
  void remember(const TreePtr& tree);
  Result<TreePtr> load(const Digest& digest, uint32_t depth);
  // The tree of one record, or nullptr if it is damaged.
  Result<TreePtr> parse(const Digest& digest, std::string_view record, uint32_t depth);
  Result<void> drop(const Digest& digest);

  RocksDb& db_;
  Log& log_;
  Synchronized<Known> known_;
};

}  // namespace kiln::store
