#include "daemon/graph/node_table.h"

#include <sys/mman.h>

#include <new>

namespace kiln::graph {

namespace {

// A big chunk is asked for in huge pages: a look-up among a million nodes then misses the caches,
// but finds its page.
constexpr size_t kHugePage = size_t{2} << 20;

std::align_val_t alignment_of(size_t bytes) {
  return std::align_val_t{bytes >= kHugePage ? kHugePage : alignof(Node)};
}

Node* new_chunk(size_t nodes) {
  const size_t bytes = nodes * sizeof(Node);
  void* memory = ::operator new(bytes, alignment_of(bytes));
  // A wish only.
  if (bytes >= kHugePage) (void)::madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<Node*>(memory);
}

void delete_chunk(Node* chunk, size_t nodes) {
  ::operator delete(chunk, alignment_of(nodes * sizeof(Node)));
}

}  // namespace

NodeTable::~NodeTable() {
  for_each([](Node& node) {
    node.~Node();
    return true;
  });
  for (size_t i = 0; i < kChunks; ++i) {
    delete_chunk(chunks_[i].load(), kFirstChunk << i);
    delete[] steady_[i].load();
  }
}

Node* NodeTable::find(const Hash128& hash) const {
  const Shard& shard = shards_[shard_of(hash)];
  NodeGuard lock(shard.mutex);
  const NodeId found = find_in(shard, hash);
  return found == 0 ? nullptr : &at(found);
}

Node& NodeTable::find_or_create(Key&& key) {
  Shard& shard = shards_[shard_of(key.hash)];
  NodeGuard lock(shard.mutex);
  if (const NodeId found = find_in(shard, key.hash); found != 0) {
    Node& node = at(found);
    note_look_up(node);
    return node;
  }
  Node& node = take_vacant();
  shard.index.insert(key.hash, node.id);
  shard.nodes.fetch_add(1, std::memory_order_relaxed);
  shard.key_bytes.fetch_add(key.input->bytes(), std::memory_order_relaxed);
  note_look_up(node);
  NodeGuard guard(node.lock);
  node.key = std::move(key);
  node.gone = false;
  return node;
}

Node& NodeTable::take_vacant() {
  Lane& lane = lanes_[this_lane()];
  NodeGuard lock(lane.mutex);
  if (lane.vacant.empty()) refill(lane.vacant);
  Node& node = at(lane.vacant.back());
  lane.vacant.pop_back();
  return node;
}

// Reclaimed places, or else new ones.
void NodeTable::refill(std::vector<NodeId>& vacant) {
  NodeGuard lock(growing_);
  while (!reclaimed_.empty() && vacant.size() < kRun) {
    vacant.push_back(reclaimed_.back());
    reclaimed_.pop_back();
  }
  if (!vacant.empty()) return;
  const NodeId first = places_.load(std::memory_order_relaxed);
  const Slot slot(first);
  KILN_CHECK(slot.chunk < kChunks, "the graph holds more nodes than it has ids for");
  Node* chunk = chunks_[slot.chunk].load(std::memory_order_relaxed);
  if (chunk == nullptr) {
    const size_t nodes = size_t{kFirstChunk} << slot.chunk;
    chunk = new_chunk(nodes);
    steady_[slot.chunk].store(new std::atomic<uint32_t>[nodes](), std::memory_order_release);
    chunks_[slot.chunk].store(chunk, std::memory_order_release);
  }
  for (NodeId i = 0; i < kRun; ++i) new (chunk + slot.index + i) Node(first + i);
  places_.store(first + kRun, std::memory_order_release);
  // Id 0 is no node.
  for (NodeId i = kRun; i > (first == 0 ? 1 : 0); --i) vacant.push_back(first + i - 1);
}

void NodeTable::keep_stale(Node& node) const {
  uint8_t seen = node.looked_up.load(std::memory_order_relaxed);
  if (age(seen) < 128) return;
  const auto stale = static_cast<uint8_t>(seen + age(seen) - 2);
  node.looked_up.compare_exchange_strong(seen, stale, std::memory_order_relaxed);
}

bool NodeTable::forget(Node& node, absl::FunctionRef<bool(Node&)> may_go) {
  Shard& shard = shards_[shard_of(node.key.hash)];
  NodeGuard lock(shard.mutex);
  NodeGuard guard(node.lock);
  if (!is_stale(node) || !may_go(node)) return false;
  node.gone = true;
  shard.index.erase(node.key.hash, node.id);
  shard.nodes.fetch_sub(1, std::memory_order_relaxed);
  shard.key_bytes.fetch_sub(node.key.input->bytes(), std::memory_order_relaxed);
  return true;
}

void NodeTable::reclaim(Node& node) {
  {
    NodeGuard guard(node.lock);
    node.reset();
    note_steady(node);
  }
  NodeGuard lock(growing_);
  reclaimed_.push_back(node.id);
}

uint64_t NodeTable::size() const {
  uint64_t nodes = 0;
  for (const Shard& shard : shards_) nodes += shard.nodes.load(std::memory_order_relaxed);
  return nodes;
}

uint64_t NodeTable::answers() const {
  uint64_t answers = 0;
  for (const Shard& shard : shards_) answers += shard.answers.load(std::memory_order_relaxed);
  return answers;
}

uint64_t NodeTable::key_bytes() const {
  uint64_t bytes = 0;
  for (const Shard& shard : shards_) bytes += shard.key_bytes.load(std::memory_order_relaxed);
  return bytes;
}

uint64_t NodeTable::bytes() const {
  uint64_t index = 0;
  for (const Shard& shard : shards_) {
    NodeGuard lock(shard.mutex);
    index += shard.index.bytes();
  }
  const uint64_t place = sizeof(Node) + sizeof(std::atomic<uint32_t>);
  return index + places_.load(std::memory_order_relaxed) * place + key_bytes();
}

}  // namespace kiln::graph
