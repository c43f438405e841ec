// A compact set of SHA-256 hashes: remembers what was verified since the start.
//
// What:    keeps 64 bits of each hash, 10 to 20 bytes an entry. Two hashes of equal 64 bits are
//          taken for one another, so an answer may save a check but never decide what exists. A
//          part is forgotten when there are too many: then the check is made once more.
// Threads: thread-safe.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "common/base/sync.h"
#include "common/types/digest.h"

namespace kiln::store {

class DigestSet {
 public:
  explicit DigestSet(size_t most = size_t{1} << 19) : most_in_shard_(most / kShards) {}

  bool contains(const Sha256& hash) const {
    return shard(hash).with([&](const auto& set) { return set.contains(bits(hash)); });
  }
  void insert(const Sha256& hash) {
    shard(hash).with([&](auto& set) {
      if (set.size() >= most_in_shard_) set.clear();
      set.insert(bits(hash));
    });
  }
  void erase(const Sha256& hash) {
    shard(hash).with([&](auto& set) { set.erase(bits(hash)); });
  }

 private:
  static constexpr size_t kShards = 16;
  using Shard = Synchronized<absl::flat_hash_set<uint64_t>>;

  static uint64_t bits(const Sha256& hash) {
    uint64_t value;
    std::memcpy(&value, hash.data() + 8, sizeof value);
    return value;
  }
  Shard& shard(const Sha256& hash) { return shards_[hash[0] % shards_.size()]; }
  const Shard& shard(const Sha256& hash) const { return shards_[hash[0] % shards_.size()]; }

  const size_t most_in_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace kiln::store
