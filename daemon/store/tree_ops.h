// Operations on trees: pure functions, no disk. They share all subtrees that do not change.
// Semantics: ../../README of this module; errors name every offender.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/store/tree.h"

namespace kiln::store {

// One entry of a tree to be made; `node` holds a TreePtr only as Tree::empty() (a directory).
struct PathEntry {
  RelPath path;
  Node node;
};

// A tree of these entries, parents made. Refused, naming the offenders only: the root as a path, a
// path given twice with different content, a file or symlink that is also a parent of another.
Result<TreePtr> tree_of(std::vector<PathEntry> entries);

// The leaves that rebuild the tree with tree_of(): files, symlinks, empty directories; sorted.
std::vector<PathEntry> leaves_of(const TreePtr& tree);

// First bytes of a file for a conflict message; nullopt if they cannot be had.
using Peek = std::function<std::optional<std::string>(const FileDigest&)>;
// All entries of all trees. Identical entries merge; anything else under one name (another content,
// kind, executable bit or target) is a conflict, and the kConflict error lists every conflicting
// path with both sides. Commutative, associative, idempotent in the digest.
Result<TreePtr> merge(std::span<const TreePtr> trees, const Peek& peek);

TreePtr add_prefix(const TreePtr& tree, const RelPath& prefix);
// Errors name what stands outside the prefix.
Result<TreePtr> remove_prefix(const TreePtr& tree, const RelPath& prefix);

struct Change {
  RelPath path;
  std::optional<Node> left;
  std::optional<Node> right;
};
// What differs, sorted by path. A directory on one side only is one change, not descended into.
// A change of kind is one change with both sides. Subtrees of equal digest are not entered.
std::vector<Change> diff(const TreePtr& left, const TreePtr& right);

}  // namespace kiln::store
