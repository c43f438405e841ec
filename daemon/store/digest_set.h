// A compact set of SHA-256 hashes: remembers what was verified since the start.
//
// What:    keeps 64 bits of each hash, about 10 bytes an entry. Two hashes of equal 64 bits are
//          taken for one another, so an answer may save a check but never decide what exists.
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
  bool contains(const Sha256& hash) const {
    return shard(hash).with([&](const auto& set) { return set.contains(bits(hash)); });
  }
  void insert(const Sha256& hash) {
    shard(hash).with([&](auto& set) { set.insert(bits(hash)); });
  }
  void erase(const Sha256& hash) {
    shard(hash).with([&](auto& set) { set.erase(bits(hash)); });
  }

 private:
  using Shard = Synchronized<absl::flat_hash_set<uint64_t>>;

  static uint64_t bits(const Sha256& hash) {
    uint64_t value;
    std::memcpy(&value, hash.data() + 8, sizeof value);
    return value;
  }
  Shard& shard(const Sha256& hash) { return shards_[hash[0] % shards_.size()]; }
  const Shard& shard(const Sha256& hash) const { return shards_[hash[0] % shards_.size()]; }

  std::array<Shard, 16> shards_;
};

}  // namespace kiln::store
