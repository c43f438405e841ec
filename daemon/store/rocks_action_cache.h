// Action results as records. A damaged one is a miss.
// Threads: thread-safe. Blocking.
#pragma once

#include "daemon/store/rocks_db.h"
#include "daemon/store/stores.h"

namespace kiln::store {

class RocksActionCache final : public ActionCache {
 public:
  explicit RocksActionCache(RocksDb& db) : db_(db) {}

  Result<std::optional<ActionResult>> get(const Digest& action) override;
  Result<void> put(const Digest& action, const ActionResult& result) override;
  Result<void> remove(const Digest& action) override;

 private:
  RocksDb& db_;
};

}  // namespace kiln::store
