#include "daemon/store/tree.h"

#include <linux/limits.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/types/hash.h"
#include "common/types/heap_bytes.h"
#include "daemon/store/directory_codec.h"

namespace kiln::store {

namespace {

uint64_t saturating_add(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

}  // namespace

bool is_valid_target(std::string_view target) {
  constexpr size_t kLongest = PATH_MAX - 1;  // symlink(2)
  return !target.empty() && target.size() <= kLongest &&
         target.find('\0') == std::string_view::npos && is_valid_utf8(target);
}

bool same_node(const Node& a, const Node& b) {
  const auto* left = std::get_if<TreePtr>(&a);
  const auto* right = std::get_if<TreePtr>(&b);
  if (left != nullptr && right != nullptr) {
    return *left == *right || (*left)->digest() == (*right)->digest();
  }
  return a == b;
}

// Lets make_shared construct and destroy a Tree: one allocation for the object and its count.
class TreeAccess : public Tree {
 public:
  explicit TreeAccess(std::vector<Entry> entries) : Tree(std::move(entries)) {}
};

TreePtr Tree::make(std::vector<Entry> entries) {
  const auto by_name = [](const Entry& a, const Entry& b) { return a.name < b.name; };
  if (!std::is_sorted(entries.begin(), entries.end(), by_name)) {
    std::sort(entries.begin(), entries.end(), by_name);
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    KILN_CHECK(is_valid_name(entries[i].name), "invalid name in a directory");
    KILN_CHECK(i == 0 || entries[i - 1].name != entries[i].name, "name twice in a directory");
  }
  entries.shrink_to_fit();
  return std::make_shared<const TreeAccess>(std::move(entries));
}

const TreePtr& Tree::empty() {
  static const TreePtr kEmpty = make({});
  return kEmpty;
}

Tree::Tree(std::vector<Entry> entries) : entries_(std::move(entries)) {
  digest_ = directory_digest_of(encode());
  size_t names = 0;
  size_t biggest_below = 0;
  extent_.entries = entries_.size();
  for (const Entry& entry : entries_) {
    names += heap_bytes(entry.name);
    if (const auto* below = std::get_if<TreePtr>(&entry.node)) {
      depth_ = std::max(depth_, (*below)->depth_ + 1);
      biggest_below = std::max(biggest_below, (*below)->bytes_);
      extent_.entries = saturating_add(extent_.entries, (*below)->extent_.entries);
      extent_.bytes = saturating_add(extent_.bytes, (*below)->extent_.bytes);
    } else if (const auto* file = std::get_if<File>(&entry.node)) {
      extent_.bytes = saturating_add(extent_.bytes, static_cast<uint64_t>(file->digest.size));
    } else if (const auto* link = std::get_if<Symlink>(&entry.node)) {
      names += heap_bytes(link->target);
    }
  }
  bytes_ = sizeof(Tree) + entries_.capacity() * sizeof(Entry) + names + biggest_below;
}

Tree::~Tree() {
  // The members' own destructors would recurse once per level, and depth is only bounded where
  // trees come in. Of what may be too deep for the stack, the levels go one at a time.
  constexpr uint32_t kShallow = 256;
  if (depth_ <= kShallow) return;
  thread_local std::vector<TreePtr>* doomed = nullptr;
  std::vector<TreePtr> mine;
  const bool outermost = doomed == nullptr;
  if (outermost) doomed = &mine;
  for (Entry& entry : entries_) {
    if (auto* below = std::get_if<TreePtr>(&entry.node)) doomed->push_back(std::move(*below));
  }
  if (!outermost) return;
  while (!mine.empty()) {
    const TreePtr next = std::move(mine.back());
    mine.pop_back();
  }
  doomed = nullptr;
}

std::string Tree::encode() const { return encode_directory(entries_); }

const Entry* Tree::find(std::string_view name) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), name,
                                   [](const Entry& e, std::string_view n) { return e.name < n; });
  return it != entries_.end() && it->name == name ? &*it : nullptr;
}

const Node* Tree::find(const RelPath& path) const {
  const Tree* tree = this;
  std::string_view rest = path.str();
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const Entry* entry = tree->find(rest.substr(0, slash));
    if (entry == nullptr) return nullptr;
    if (slash == std::string_view::npos) return &entry->node;
    const auto* below = std::get_if<TreePtr>(&entry->node);
    if (below == nullptr) return nullptr;
    tree = below->get();
    rest.remove_prefix(slash + 1);
  }
  return nullptr;
}

}  // namespace kiln::store
