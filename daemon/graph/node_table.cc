#include "daemon/graph/node_table.h"

#include <new>

namespace kiln::graph {

namespace {

Node* new_chunk(size_t nodes) {
  return static_cast<Node*>(::operator new(nodes * sizeof(Node), std::align_val_t{alignof(Node)}));
}

}  // namespace

NodeTable::NodeTable() {
  // Id 0, the first of shard 0, is no node.
  shards_[0].chunks[0] = new_chunk(kFirstChunk);
  shards_[0].count = 1;
}

NodeTable::~NodeTable() {
  for_each([](Node& node) {
    node.~Node();
    return true;
  });
  for (Shard& shard : shards_) {
    for (auto& chunk : shard.chunks)
      ::operator delete(chunk.load(), std::align_val_t{alignof(Node)});
  }
}

Node* NodeTable::find(const Hash128& hash) const {
  const Shard& shard = shards_[shard_of(hash)];
  NodeGuard lock(shard.mutex);
  const auto found = shard.index.find(hash);
  return found == shard.index.end() ? nullptr : found->node;
}

Node& NodeTable::find_or_create(Key&& key) {
  const uint32_t shard_index = shard_of(key.hash);
  Shard& shard = shards_[shard_index];
  NodeGuard lock(shard.mutex);
  // One probe finds the node, or the place for it.
  const auto place =
      shard.index.lazy_emplace(key.hash, [&](const auto& construct) KILN_REQUIRES(shard.mutex) {
        const uint64_t low = key.hash.low;
        shard.nodes.fetch_add(1, std::memory_order_relaxed);
        if (!shard.vacant.empty()) {
          Node& node = at(shard.vacant.back());
          shard.vacant.pop_back();
          NodeGuard guard(node.lock);
          node.key = std::move(key);
          node.gone = false;
          construct(Entry{low, &node});
          return;
        }
        const uint32_t i = shard.count.load(std::memory_order_relaxed);
        const Slot slot(i + kFirstChunk);
        KILN_CHECK(slot.chunk < kChunks, "the graph holds more nodes than it has ids for");
        Node* chunk = shard.chunks[slot.chunk].load(std::memory_order_relaxed);
        if (chunk == nullptr) {
          chunk = new_chunk(size_t{kFirstChunk} << slot.chunk);
          shard.chunks[slot.chunk].store(chunk, std::memory_order_release);
        }
        Node* made = new (chunk + slot.index) Node(i * kShards + shard_index, std::move(key));
        shard.count.store(i + 1, std::memory_order_release);
        construct(Entry{low, made});
      });
  Node& node = *place->node;
  const uint8_t sweep = sweep_.load(std::memory_order_relaxed);
  if (node.looked_up.load(std::memory_order_relaxed) != sweep) {
    node.looked_up.store(sweep, std::memory_order_relaxed);
  }
  return node;
}

void NodeTable::keep_stale(Node& node) const {
  uint8_t seen = node.looked_up.load(std::memory_order_relaxed);
  if (age(seen) < 128) return;
  const auto stale = static_cast<uint8_t>(seen + age(seen) - 2);
  node.looked_up.compare_exchange_strong(seen, stale, std::memory_order_relaxed);
}

bool NodeTable::forget(Node& node, absl::FunctionRef<bool(Node&)> may_go) {
  Shard& shard = shards_[node.id % kShards];
  NodeGuard lock(shard.mutex);
  NodeGuard guard(node.lock);
  if (!is_stale(node) || !may_go(node)) return false;
  node.gone = true;
  shard.index.erase(shard.index.find(node.key.hash));
  shard.nodes.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void NodeTable::reclaim(Node& node) {
  Shard& shard = shards_[node.id % kShards];
  NodeGuard lock(shard.mutex);
  {
    NodeGuard guard(node.lock);
    node.reset();
  }
  shard.vacant.push_back(node.id);
}

Node* NodeTable::after(NodeId id) const {
  uint32_t i = id / kShards + 1;
  for (uint32_t shard = id % kShards; shard < kShards; ++shard) {
    if (i < shards_[shard].count.load(std::memory_order_acquire)) return &at(i * kShards + shard);
    i = 0;
  }
  return nullptr;
}

uint64_t NodeTable::size() const {
  uint64_t nodes = 0;
  for (const Shard& shard : shards_) nodes += shard.nodes.load(std::memory_order_relaxed);
  return nodes;
}

uint64_t NodeTable::bytes() const {
  uint64_t index = 0;
  uint64_t places = 0;
  for (const Shard& shard : shards_) {
    NodeGuard lock(shard.mutex);
    places += shard.count.load(std::memory_order_relaxed);
    index += shard.index.capacity() * (sizeof(Entry) + 1);
  }
  return index + places * sizeof(Node);
}

}  // namespace kiln::graph
