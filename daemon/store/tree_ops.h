// Operations on trees: pure functions, no disk. They share all subtrees that do not change.
// Semantics: ../../README of this module; errors name every offender.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
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
// path given twice with different content, a file or symlink that is also a parent of another, a
// symlink with a target that none can have, a path that is too deep.
Result<TreePtr> tree_of(std::vector<PathEntry> entries);

// The leaves that rebuild the tree with tree_of(): files, symlinks, empty directories; sorted.
// kResourceExhausted if they are too many for memory (limits.h).
Result<std::vector<PathEntry>> leaves_of(const TreePtr& tree, const std::stop_token& stop = {});

// First bytes of a file for a conflict message; nullopt if they cannot be had.
using Peek = std::function<std::optional<std::string>(const FileDigest&)>;
// All entries of all trees. Identical entries merge; anything else under one name (another content,
// kind, executable bit or target) is a conflict, and the kConflict error lists every conflicting
// path with both sides; beyond kMaxConflicts it stops and says so. Commutative, associative,
// idempotent in the digest. The same directories are merged once, wherever they meet.
Result<TreePtr> merge(std::span<const TreePtr> trees, const Peek& peek);

// The result may be deeper than a tree may be: check_depth() (limits.h), before it goes anywhere.
TreePtr add_prefix(const TreePtr& tree, const RelPath& prefix);
// Errors name what stands outside the prefix.
Result<TreePtr> remove_prefix(const TreePtr& tree, const RelPath& prefix);

struct Change {
  RelPath path;
  std::optional<Node> left;
  std::optional<Node> right;
};
// What differs, one change at a time, sorted by path. A directory on one side only is one change,
// not descended into. A change of kind is one change with both sides. Subtrees of equal digest are
// not entered.
// Cancels: next() fails with kCancelled soon after `stop` was requested.
// Threads: single-owner.
class DiffWalk {
 public:
  DiffWalk(TreePtr left, TreePtr right, std::stop_token stop = {});
  // Nothing at the end. kResourceExhausted after kMaxListed changes.
  Result<std::optional<Change>> next();

 private:
  // Two directories under one path: what is left of them.
  struct Level {
    std::span<const Entry> left;
    std::span<const Entry> right;
    RelPath path;
  };
  std::optional<Change> step();

  TreePtr left_;
  TreePtr right_;
  std::stop_token stop_;
  std::vector<Level> open_;
  uint64_t found_ = 0;
};

}  // namespace kiln::store
