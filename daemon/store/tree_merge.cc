#include <algorithm>
#include <map>

#include "daemon/store/limits.h"
#include "daemon/store/tree_ops.h"

namespace kiln::store {

namespace {

// What stands under one path in the trees that are merged: the distinct nodes, more than one.
struct Disagreement {
  RelPath path;
  std::vector<Node> sides;
};

// The next entry of one of the directories that are merged.
struct Cursor {
  std::vector<Entry>::const_iterator next;
  std::vector<Entry>::const_iterator end;
};
bool later(const Cursor& a, const Cursor& b) { return a.next->name > b.next->name; }

void add_distinct(std::vector<const Node*>& nodes, const Node& node) {
  for (const Node* known : nodes) {
    if (same_node(*known, node)) return;
  }
  nodes.push_back(&node);
}

class Merge {
 public:
  // Of directories with distinct digests.
  TreePtr run(std::vector<TreePtr> trees, const RelPath& at);
  const std::vector<Disagreement>& disagreements() const { return disagreements_; }
  // There are more disagreements than an error should list: the merge was given up.
  bool gave_up() const { return disagreements_.size() >= kMaxConflicts; }

 private:
  TreePtr run_once(const std::vector<TreePtr>& trees, const RelPath& at);
  Node merge_nodes(const std::vector<const Node*>& nodes, const RelPath& at,
                   const std::string& name);
  std::vector<Disagreement> disagreements_;
  // What was merged without a disagreement, by the digests of its parts in order. A tree may hold
  // one directory many times.
  std::map<std::vector<Digest>, TreePtr> merged_;
};

// The one of `trees` that these entries would rebuild, or nullptr. They hold all entries of each
// of them, so that only directories can differ.
TreePtr same_as_one_of(const std::vector<TreePtr>& trees, const std::vector<Entry>& entries) {
  for (const TreePtr& tree : trees) {
    if (tree->entries().size() == entries.size() &&
        std::equal(entries.begin(), entries.end(), tree->entries().begin(),
                   [](const Entry& a, const Entry& b) { return same_node(a.node, b.node); })) {
      return tree;
    }
  }
  return nullptr;
}

TreePtr Merge::run(std::vector<TreePtr> trees, const RelPath& at) {
  std::ranges::sort(trees, {}, [](const TreePtr& tree) -> const Digest& { return tree->digest(); });
  std::vector<Digest> parts;
  parts.reserve(trees.size());
  for (const TreePtr& tree : trees) parts.push_back(tree->digest());
  if (const auto known = merged_.find(parts); known != merged_.end()) return known->second;
  const size_t before = disagreements_.size();
  TreePtr merged = run_once(trees, at);
  if (disagreements_.size() == before) merged_.emplace(std::move(parts), merged);
  return merged;
}

TreePtr Merge::run_once(const std::vector<TreePtr>& trees, const RelPath& at) {
  std::vector<Cursor> heap;  // the smallest name in front
  for (const TreePtr& tree : trees) {
    if (!tree->entries().empty()) heap.push_back({tree->entries().begin(), tree->entries().end()});
  }
  std::make_heap(heap.begin(), heap.end(), later);
  std::vector<Entry> merged;
  std::vector<const Node*> nodes;
  while (!heap.empty() && !gave_up()) {
    const std::string& name = heap.front().next->name;
    nodes.clear();
    while (!heap.empty() && heap.front().next->name == name) {
      std::pop_heap(heap.begin(), heap.end(), later);
      add_distinct(nodes, heap.back().next->node);
      if (++heap.back().next == heap.back().end) {
        heap.pop_back();
      } else {
        std::push_heap(heap.begin(), heap.end(), later);
      }
    }
    merged.push_back({name, merge_nodes(nodes, at, name)});
  }
  if (TreePtr same = same_as_one_of(trees, merged)) return same;
  return Tree::make(std::move(merged));
}

Node Merge::merge_nodes(const std::vector<const Node*>& nodes, const RelPath& at,
                        const std::string& name) {
  if (nodes.size() == 1) return *nodes[0];
  std::vector<TreePtr> directories;
  for (const Node* node : nodes) {
    if (const auto* directory = std::get_if<TreePtr>(node)) directories.push_back(*directory);
  }
  if (directories.size() == nodes.size()) return run(std::move(directories), at.child(name));
  Disagreement disagreement{at.child(name), {}};
  for (const Node* node : nodes) disagreement.sides.push_back(*node);
  disagreements_.push_back(std::move(disagreement));
  return *nodes[0];
}

// The first bytes of a file, fit for one line; empty if it is not text.
std::string excerpt(const std::optional<std::string>& bytes) {
  constexpr size_t kShown = 60;
  if (!bytes || bytes->empty() || bytes->find('\0') != std::string::npos) return "";
  size_t length = std::min(bytes->size(), kShown);
  while (length > 0 && length < bytes->size() && (bytes->at(length) & 0xC0) == 0x80) --length;
  const std::string text = bytes->substr(0, length);
  if (!is_valid_utf8(text)) return "";
  return " \"" + printable(text) + (length < bytes->size() ? "…\"" : "\"");
}

std::string describe(const Node& node, const Peek& peek) {
  if (const auto* file = std::get_if<File>(&node)) {
    return std::string(file->executable ? "executable file " : "file ") + to_string(file->digest) +
           (peek ? excerpt(peek(file->digest)) : "");
  }
  if (const auto* link = std::get_if<Symlink>(&node)) {
    return "symlink to '" + printable(link->target) + "'";
  }
  return "directory " + to_string(std::get<TreePtr>(node)->digest());
}

Error conflict_error(const std::vector<Disagreement>& disagreements, bool gave_up,
                     const Peek& peek) {
  std::string message = "cannot merge: the trees disagree on " +
                        std::to_string(disagreements.size()) +
                        (disagreements.size() == 1 ? " path" : " paths") +
                        (gave_up ? " and perhaps more, which were not looked for" : "");
  constexpr size_t kMostPeeks = 100;  // contents are read for that
  size_t described = 0;
  for (const Disagreement& disagreement : disagreements) {
    message += "\n  " + printable(disagreement.path.str());
    // Sorted, so that the message does not depend on the order of the trees either.
    std::vector<std::string> sides;
    const bool peeks = described++ < kMostPeeks;
    for (const Node& side : disagreement.sides) {
      sides.push_back(describe(side, peeks ? peek : Peek()));
    }
    std::sort(sides.begin(), sides.end());
    for (const std::string& side : sides) message += "\n    " + side;
  }
  return user_error(ErrorCode::kConflict, std::move(message));
}

}  // namespace

Result<TreePtr> merge(std::span<const TreePtr> trees, const Peek& peek) {
  std::vector<TreePtr> distinct(trees.begin(), trees.end());
  const auto digest_of = [](const TreePtr& tree) -> const Digest& { return tree->digest(); };
  std::ranges::sort(distinct, {}, digest_of);
  const auto equal = std::ranges::unique(distinct, {}, digest_of);
  distinct.erase(equal.begin(), equal.end());
  std::erase_if(distinct, [](const TreePtr& tree) { return tree->entries().empty(); });
  if (distinct.empty()) return Tree::empty();
  if (distinct.size() == 1) return distinct[0];
  Merge merge;
  TreePtr merged = merge.run(std::move(distinct), RelPath());
  if (!merge.disagreements().empty()) {
    return conflict_error(merge.disagreements(), merge.gave_up(), peek);
  }
  return merged;
}

}  // namespace kiln::store
