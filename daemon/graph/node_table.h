// NodeTable: all nodes, found by hash or by id.
//
// What:    64 shards, each an index from hash to node and a slab of nodes. Ids are dense within a
//          shard, so an edge costs four bytes; nodes never move. A place is a node's until that is
//          forgotten, then nobody's (Node::gone), and then another's.
// Threads: thread-safe. at() takes no lock.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>

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

  // From here on a look-up notes another sweep.
  void begin_sweep() { sweep_.fetch_add(1, std::memory_order_seq_cst); }
  // Was not looked up while this sweep or the one before it was the newest.
  bool is_stale(const Node& node) const {
    return age(node.looked_up.load(std::memory_order_relaxed)) >= 2;
  }
  // A node that was not looked up for very long must not seem to be new.
  void keep_stale(Node& node) const;
  // Forgets the node if `may_go(node)`, called under its lock, and it is stale. No look-up finds it
  // then, but those who know it may go on using it until reclaim().
  bool forget(Node& node, absl::FunctionRef<bool(Node&)> may_go);
  // The place of a node that is gone may be used again: nobody else knows its id.
  void reclaim(Node& node);

  // Every place that was there before the call; `f` returns false to stop.
  template <class F>
  void for_each(F&& f) const {
    for (uint32_t shard = 0; shard < kShards; ++shard) {
      const uint32_t count = shards_[shard].count.load(std::memory_order_acquire);
      for (uint32_t i = shard == 0 ? 1 : 0; i < count; ++i) {
        if (!f(at(i * kShards + shard))) return;
      }
    }
  }
  // The place after that of `id` in some order, 0 before all of them; null if there is none.
  Node* after(NodeId id) const;

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
    mutable NodeLock mutex;
    absl::flat_hash_set<Entry, HashOf, SameHash> index KILN_GUARDED_BY(mutex);
    std::atomic<uint32_t> count{0};  // of places; written under the mutex
    std::vector<uint32_t> vacant KILN_GUARDED_BY(mutex);
    std::atomic<uint32_t> nodes{0};  // written under the mutex
    std::array<std::atomic<Node*>, kChunks> chunks{};
  };

  uint8_t age(uint8_t looked_up) const {
    return static_cast<uint8_t>(sweep_.load(std::memory_order_relaxed) - looked_up);
  }
  static uint32_t shard_of(const Hash128& hash) { return hash.high % kShards; }

  std::array<Shard, kShards> shards_;
  std::atomic<uint8_t> sweep_{0};
};

}  // namespace kiln::graph
