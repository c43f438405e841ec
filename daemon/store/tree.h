// Tree: one directory of a tree of files, immutable, shared between trees that contain it.
//
// What:    sorted entries and the digest of the REAPI `Directory` message they encode to. A tree of
//          files is its root's Tree; equal subtrees are usually the same object, so that merge,
//          subset, prefix and diff touch only what differs and never the disk.
// Format:  the canonical Directory of build/bazel/remote/execution/v2/remote_execution.proto: names
//          are single components, unique over all kinds, each list sorted by bytes; is_executable
//          the only file property.
// Threads: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "common/types/rel_path.h"

namespace kiln::store {

class Tree;
using TreePtr = std::shared_ptr<const Tree>;

struct File {
  FileDigest digest;
  bool executable = false;
  friend bool operator==(const File&, const File&) = default;
};
struct Symlink {
  std::string target;
  friend bool operator==(const Symlink&, const Symlink&) = default;
};
using Node = std::variant<File, Symlink, TreePtr>;

struct Entry {
  std::string name;
  Node node;
};

// A target that a symlink of this system can have: not empty, no NUL, at most 4,095 bytes; and
// UTF-8, which REAPI's strings must be.
bool is_valid_target(std::string_view target);

// What a tree is as a list of files, where a directory counts as often as it stands in the tree.
// Both numbers stop at UINT64_MAX.
struct Extent {
  uint64_t entries = 0;  // files, symlinks, directories
  uint64_t bytes = 0;    // of all files
};

// Same kind and same content; subtrees by digest.
bool same_node(const Node& a, const Node& b);

class Tree {
 public:
  // `entries` in any order; CHECKs that names are valid and unique.
  static TreePtr make(std::vector<Entry> entries);
  static const TreePtr& empty();

  const std::vector<Entry>& entries() const { return entries_; }  // sorted by name
  const Digest& digest() const { return digest_; }
  // The canonical Directory message.
  std::string encode() const;
  // Levels of directories below this one; 0 if it has none.
  uint32_t depth() const { return depth_; }
  const Extent& extent() const { return extent_; }
  // About how much memory a change of one file below makes new: the directories on the way to it,
  // at their biggest. All others are shared with the tree that it was before.
  size_t bytes() const { return bytes_; }
  // The entry of that name, or nullptr.
  const Entry* find(std::string_view name) const;
  // The node at `path`, or nullptr; the root itself is not a node. Symlinks are not followed.
  const Node* find(const RelPath& path) const;

 private:
  friend class TreeAccess;
  explicit Tree(std::vector<Entry> entries);
  ~Tree();
  std::vector<Entry> entries_;
  Digest digest_;
  uint32_t depth_ = 0;
  Extent extent_;
  size_t bytes_ = 0;
};

// Calls `visit(path, node)` for every entry, parents before children, sorted by path components.
// `visit` returns false to skip what is below a directory. For trees that are known to be small as
// a list; others are for TreeWalk (tree_walk.h).
template <class Visit>
void walk(const Tree& tree, const RelPath& prefix, Visit&& visit) {
  for (const Entry& entry : tree.entries()) {
    const RelPath path = prefix.child(entry.name);
    if (!visit(path, entry.node)) continue;
    if (const auto* below = std::get_if<TreePtr>(&entry.node)) walk(**below, path, visit);
  }
}

}  // namespace kiln::store
