#include "daemon/store/rocks_tree_store.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>

#include "daemon/store/directory_codec.h"
#include "daemon/store/limits.h"

namespace kiln::store {

namespace {

std::string_view key_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size()};
}

}  // namespace

// One save(): collects new directories, children first, and writes them in large batches.
class RocksTreeStore::Saving {
 public:
  explicit Saving(RocksTreeStore& store) : store_(store) {}

  Result<void> add(const TreePtr& tree) {
    if (tree->digest() == Digest() || store_.is_known(tree->digest())) return {};
    if (!seen_.insert(tree->digest()).second) return {};
    rocksdb::PinnableSlice record;
    KILN_ASSIGN(const Lookup lookup, store_.db_.get(Table::kTrees, key_of(tree->digest()), record));
    if (lookup == Lookup::kFound) {
      store_.remember(tree);
      return {};
    }
    for (const Entry& entry : tree->entries()) {
      if (const auto* below = std::get_if<TreePtr>(&entry.node)) KILN_TRY(add(*below));
    }
    store_.db_.put(batch_, Table::kTrees, key_of(tree->digest()), tree->encode());
    added_.push_back(tree);
    constexpr size_t kBatch = size_t{1} << 20;
    return batch_.GetDataSize() < kBatch ? Result<void>() : write();
  }

  Result<void> write() {
    if (added_.empty()) return {};
    KILN_TRY(store_.db_.write(batch_));
    for (const TreePtr& tree : added_) store_.remember(tree);
    batch_.Clear();
    added_.clear();
    return {};
  }

 private:
  RocksTreeStore& store_;
  rocksdb::WriteBatch batch_;
  std::vector<TreePtr> added_;
  absl::flat_hash_set<Digest> seen_;  // so that a directory that stands twice is added once
};

Result<void> RocksTreeStore::save(const TreePtr& tree) {
  KILN_TRY(check_depth(*tree));
  Saving saving(*this);
  KILN_TRY(saving.add(tree));
  return saving.write();
}

Result<TreePtr> RocksTreeStore::load(const Digest& digest) { return load(digest, 0); }

Result<TreePtr> RocksTreeStore::load(const Digest& digest, uint32_t depth) {
  if (digest == Digest()) return Tree::empty();
  if (TreePtr tree = find_in_memory(digest)) return tree;
  rocksdb::PinnableSlice record;
  KILN_ASSIGN(const Lookup lookup, db_.get(Table::kTrees, key_of(digest), record));
  if (lookup == Lookup::kAbsent) return unknown_tree(digest);
  if (lookup == Lookup::kFound && static_cast<int64_t>(record.size()) == digest.size) {
    auto tree = parse(digest, {record.data(), record.size()}, depth);
    if (!tree.ok() && tree.error().code() != ErrorCode::kNotFound) return tree;
    if (tree.ok() && *tree != nullptr) return tree;
  }
  log_.warn("dropped the stored tree " + to_string(digest) + ": it is damaged or incomplete");
  KILN_TRY(drop(digest));
  return not_stored(digest, "tree");
}

Result<TreePtr> RocksTreeStore::parse(const Digest& digest, std::string_view record,
                                      uint32_t depth) {
  if (depth > kMaxTreeDepth) return TreePtr();
  auto raw = decode_directory(record);
  if (!raw.ok()) return TreePtr();
  std::ranges::sort(*raw, {}, &RawEntry::name);
  const auto repeated = std::ranges::adjacent_find(*raw, {}, &RawEntry::name);
  if (repeated != raw->end()) return TreePtr();
  std::vector<Entry> entries;
  entries.reserve(raw->size());
  for (RawEntry& entry : *raw) {
    if (const auto* below = std::get_if<Digest>(&entry.node)) {
      KILN_ASSIGN(TreePtr tree, load(*below, depth + 1));
      entries.push_back({std::move(entry.name), std::move(tree)});
    } else if (auto* file = std::get_if<File>(&entry.node)) {
      entries.push_back({std::move(entry.name), *file});
    } else {
      entries.push_back({std::move(entry.name), std::move(std::get<Symlink>(entry.node))});
    }
  }
  // The digest is taken of the canonical encoding: equal, it proves that these were its bytes.
  TreePtr tree = Tree::make(std::move(entries));
  if (tree->digest() != digest || tree->depth() + depth > kMaxTreeDepth) return TreePtr();
  remember(tree);
  return tree;
}

Result<void> RocksTreeStore::drop(const Digest& digest) {
  known_.with([&](Known& known) { known.trees.erase(digest); });
  rocksdb::WriteBatch batch;
  db_.remove(batch, Table::kTrees, key_of(digest));
  return db_.write(batch);
}

bool RocksTreeStore::is_known(const Digest& digest) const {
  return known_.with([&](const Known& known) { return known.trees.contains(digest); });
}

TreePtr RocksTreeStore::find_in_memory(const Digest& digest) const {
  return known_.with([&](const Known& known) -> TreePtr {
    const auto it = known.trees.find(digest);
    return it == known.trees.end() ? nullptr : it->second.lock();
  });
}

void RocksTreeStore::remember(const TreePtr& tree) {
  known_.with([&](Known& known) {
    known.trees[tree->digest()] = tree;
    if (known.trees.size() < known.sweep_at) return;
    absl::erase_if(known.trees, [](const auto& entry) { return entry.second.expired(); });
    known.sweep_at = std::max<size_t>(1024, 2 * known.trees.size());
  });
}

}  // namespace kiln::store
