// NodeTable: all nodes, found by hash or by id.
//
// What:    an index from hash to id in 64 shards, and the places of the nodes, which never move. A
//          place is a node's until that is forgotten, then nobody's (Node::gone), and then
//          another's. Ids are four bytes, for edges; what a thread makes in a row is in a row, as
//          what is made together is visited together.
// Threads: thread-safe. at() takes no lock.
#pragma once

#include <absl/functional/function_ref.h>

#include <array>
#include <atomic>
#include <bit>
#include <vector>

#include "daemon/graph/lanes.h"
#include "daemon/graph/node.h"
#include "daemon/graph/node_index.h"

namespace kiln::graph {

class NodeTable {
 public:
  NodeTable() = default;
  ~NodeTable();
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;

  Node* find(const Hash128& hash) const;
  // Looks the node up and calls `f` with it, which may not wait: meanwhile no node is forgotten.
  // True: `f` gave an answer, which is counted. False if there is no such node, too.
  template <class F>
  bool answer(const Hash128& hash, F&& f) {
    Shard& shard = shards_[shard_of(hash)];
    NodeGuard lock(shard.mutex);
    const NodeId found = find_in(shard, hash);
    if (found == 0) return false;
    Node& node = at(found);
    note_look_up(node);
    if (!f(node)) return false;
    shard.answers.store(shard.answers.load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
    return true;
  }
  Node& find_or_create(Key&& key);
  // `id` was handed out by this table.
  Node& at(NodeId id) const {
    const Slot slot(id);
    return chunks_[slot.chunk].load(std::memory_order_acquire)[slot.index];
  }

  // The generation of a node that is Clean for every run, else 0: what a re-check compares without
  // a lock. Many are side by side, so that a re-check of many dependencies reads little. Who reads
  // what was true a moment ago is marked in turn: an invalidation that marks this node goes on to
  // its dependents.
  uint32_t steady(NodeId id) const {
    const Slot slot(id);
    return steady_[slot.chunk].load(std::memory_order_acquire)[slot.index].load(
        std::memory_order_acquire);
  }
  // After every change of what Node::steady() is made of, under the same lock.
  void note_steady(const Node& node) KILN_REQUIRES(node.lock) {
    const Slot slot(node.id);
    steady_[slot.chunk].load(std::memory_order_relaxed)[slot.index].store(
        node.steady(), std::memory_order_release);
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

  // Every place that was there before the call, vacant ones as well; `f` returns false to stop.
  template <class F>
  void for_each(F&& f) const {
    const NodeId places = places_.load(std::memory_order_acquire);
    for (NodeId id = 0; id < places; ++id) {
      if (!f(at(id))) return;
    }
  }
  // The place after that of `id`; null if there is none.
  Node* after(NodeId id) const {
    return id + 1 < places_.load(std::memory_order_acquire) ? &at(id + 1) : nullptr;
  }

  uint64_t size() const;
  // How often answer() gave one.
  uint64_t answers() const;
  // With what the keys hold.
  uint64_t bytes() const;
  // In nodes: those there are, and what the keys hold besides.
  uint64_t weight() const { return size() + key_bytes() / kBytesOfOne; }

 private:
  static constexpr uint32_t kShards = 64;
  static constexpr uint64_t kBytesOfOne = 1024;
  // Chunk c holds kFirstChunk << c nodes: no node ever moves, and no table of chunks grows.
  static constexpr NodeId kFirstChunk = 64;
  static constexpr NodeId kChunks = 26;
  // So many places a lane takes at a time. A divisor of every chunk.
  static constexpr NodeId kRun = 32;

  struct Slot {
    explicit Slot(NodeId id)
        : chunk(static_cast<uint32_t>(std::bit_width(id + kFirstChunk) -
                                      std::bit_width(kFirstChunk))),
          index(id + kFirstChunk - (kFirstChunk << chunk)) {}
    uint32_t chunk;
    uint32_t index;
  };
  struct alignas(64) Shard {
    mutable NodeLock mutex;
    NodeIndex index KILN_GUARDED_BY(mutex);
    std::atomic<uint32_t> nodes{0};      // written under the mutex
    std::atomic<uint64_t> key_bytes{0};  // as well
    std::atomic<uint64_t> answers{0};    // as well
  };
  struct alignas(64) Lane {
    NodeLock mutex;
    std::vector<NodeId> vacant KILN_GUARDED_BY(mutex);  // the next at the back
  };

  static uint32_t shard_of(const Hash128& hash) { return hash.high % kShards; }
  NodeId find_in(const Shard& shard, const Hash128& hash) const KILN_REQUIRES(shard.mutex) {
    return shard.index.find(hash, [&](NodeId id) { return at(id).key.hash == hash; });
  }
  uint8_t age(uint8_t looked_up) const {
    return static_cast<uint8_t>(sweep_.load(std::memory_order_relaxed) - looked_up);
  }
  uint64_t key_bytes() const;
  void note_look_up(Node& node) const {
    const uint8_t sweep = sweep_.load(std::memory_order_relaxed);
    if (node.looked_up.load(std::memory_order_relaxed) != sweep) {
      node.looked_up.store(sweep, std::memory_order_relaxed);
    }
  }
  Node& take_vacant();
  void refill(std::vector<NodeId>& vacant);

  // Locks: a shard's before a lane's, before growing_, before a node's.
  std::array<Shard, kShards> shards_;
  std::array<Lane, kLanes> lanes_;
  std::array<std::atomic<Node*>, kChunks> chunks_{};
  std::array<std::atomic<std::atomic<uint32_t>*>, kChunks> steady_{};
  std::atomic<NodeId> places_{0};  // ids below this one have one; written under growing_
  std::atomic<uint8_t> sweep_{0};
  NodeLock growing_;
  std::vector<NodeId> reclaimed_ KILN_GUARDED_BY(growing_);
};

}  // namespace kiln::graph
