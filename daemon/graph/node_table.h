// NodeTable: all nodes, found by hash or by id.
//
// What:    64 shards, each an index from hash to node and a slab of nodes. Ids are dense within a
//          shard, so an edge costs four bytes; nodes never move. Where a node was forgotten
//          there is a vacant one until the place is used again.
// Threads: thread-safe. at() takes no lock.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <vector>

#include "daemon/graph/node.h"

namespace kiln::graph {

class NodeTable {
 public:
  NodeTable();
  ~NodeTable();
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;

  Node* find(const Hash128& hash) const;
  Node& find_or_create(Key&& key);
  // `id` was handed out by this table.
  Node& at(NodeId id) const {
    const Slot slot(id / kShards + kFirstChunk);
    return shards_[id % kShards].chunks[slot.chunk].load(std::memory_order_acquire)[slot.index];
  }

  // Forgets the node. Nobody else may know it, or its id.
  void vacate(Node& node);

  // Every node, and vacant place, that was there before the call; `f` returns false to stop.
  template <class F>
  void for_each(F&& f) const {
    for (uint32_t shard = 0; shard < kShards; ++shard) {
      const uint32_t count = shards_[shard].count.load(std::memory_order_acquire);
      for (uint32_t i = shard == 0 ? 1 : 0; i < count; ++i) {
        if (!f(at(i * kShards + shard))) return;
      }
    }
  }
  // The node after `id` in some order that visits all of them, going round; null if there is none.
  Node* next_round(NodeId id) const;

  uint64_t size() const;
  uint64_t bytes() const;

 private:
  static constexpr uint32_t kShards = 64;
  // Chunk c holds kFirstChunk << c nodes: no node ever moves, and no table of chunks grows.
  static constexpr uint32_t kFirstChunk = 64;
  static constexpr uint32_t kChunks = 21;

  struct Slot {
    explicit Slot(uint32_t biased)
        : chunk(static_cast<uint32_t>(std::bit_width(biased)) - std::bit_width(kFirstChunk)),
          index(biased - (kFirstChunk << chunk)) {}
    uint32_t chunk;
    uint32_t index;
  };
  // Half of the hash is in the index as well: growing it touches no node, and a look-up touches
  // the one that it finds.
  struct Entry {
    uint64_t low;
    Node* node;
  };
  struct HashOf {
    using is_transparent = void;
    size_t operator()(const Hash128& hash) const { return hash.low; }
    size_t operator()(const Entry& entry) const { return entry.low; }
  };
  struct SameHash {
    using is_transparent = void;
    bool operator()(const Entry& entry, const Hash128& hash) const {
      return entry.low == hash.low && entry.node->key.hash == hash;
    }
    bool operator()(const Entry& a, const Entry& b) const { return a.node == b.node; }
  };
  struct alignas(64) Shard {
    mutable Mutex mutex;
    absl::flat_hash_set<Entry, HashOf, SameHash> index KILN_GUARDED_BY(mutex);
    std::atomic<uint32_t> count{0};  // of places; written under the mutex
    std::vector<uint32_t> vacant KILN_GUARDED_BY(mutex);
    std::atomic<uint32_t> nodes{0};  // written under the mutex
    std::array<std::atomic<Node*>, kChunks> chunks{};
  };

  static Node* replace(Node& node, Key key);
  static uint32_t shard_of(const Hash128& hash) { return hash.high % kShards; }

  std::array<Shard, kShards> shards_;
};

}  // namespace kiln::graph
