// NodeIndex: from a hash to the id of a node, for one shard of the NodeTable.
//
// What:    a hash table of eight-byte entries, probed in a row, at most three quarters full. Of the
//          hash it has a quarter, so growing touches no node; and a look-up touches one cache line,
//          as a rule, where a table with its control bytes apart touches two.
// Threads: single-owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/types/hash.h"
#include "daemon/graph/node.h"

namespace kiln::graph {

class NodeIndex {
 public:
  // The node of this hash, if `is(id)` says that it is the one; else 0. Another node that `is` is
  // asked about is one in four thousand millions.
  template <class Is>
  NodeId find(const Hash128& hash, Is&& is) const {
    const uint32_t tag = tag_of(hash);
    for (size_t at = home(tag); !entries_.empty(); at = next(at)) {
      const Entry& entry = entries_[at];
      if (entry.node == 0 || (entry.tag == tag && is(entry.node))) return entry.node;
    }
    return 0;
  }
  // It is not there.
  void insert(const Hash128& hash, NodeId node);
  // It is there.
  void erase(const Hash128& hash, NodeId node);

  size_t bytes() const { return entries_.size() * sizeof(Entry); }

 private:
  struct Entry {
    uint32_t tag = 0;
    NodeId node = 0;  // 0: vacant
  };
  static constexpr size_t kLeast = 8;

  static uint32_t tag_of(const Hash128& hash) { return static_cast<uint32_t>(hash.low); }
  // A power of two.
  size_t mask() const { return entries_.size() - 1; }
  size_t home(uint32_t tag) const { return tag & mask(); }
  size_t next(size_t at) const { return (at + 1) & mask(); }
  void put(Entry entry);
  void grow();

  std::vector<Entry> entries_;
  size_t count_ = 0;
};

}  // namespace kiln::graph
