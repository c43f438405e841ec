// TreeWalk: the entries of a tree one at a time, so that a listing needs no memory of its own.
//
// What:    parents before children, sorted by path components. A tree may be small as a graph and
//          huge as a list (a directory that holds another twice, forty levels down), so a walk says
//          at its start whether the list is too long for anybody.
// Cancels: next() fails with kCancelled soon after `stop` was requested.
// Threads: single-owner.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/store/tree.h"

namespace kiln::store {

class TreeWalk {
 public:
  struct Item {
    RelPath path;
    const Node* node;  // of the tree that is walked
  };

  // kResourceExhausted if the tree lists more than kMaxListed entries.
  static Result<TreeWalk> begin(TreePtr tree, std::stop_token stop = {});

  // Nothing at the end.
  Result<std::optional<Item>> next();

 private:
  struct Level {
    const Tree* tree;
    size_t next = 0;         // of its entries
    size_t path_length = 0;  // of path_ up to this directory
  };
  TreeWalk(TreePtr tree, std::stop_token stop) : root_(std::move(tree)), stop_(std::move(stop)) {
    open_.push_back({.tree = root_.get()});
  }

  TreePtr root_;
  std::stop_token stop_;
  std::vector<Level> open_;  // from the root to the directory that is walked
  std::string path_;         // of that directory
  uint64_t seen_ = 0;
};

// A list of paths that is held in memory: how much it may take.
class ListBudget {
 public:
  explicit ListBudget(const Tree& tree) : tree_(tree) {}
  // kResourceExhausted if the paths take more than kMaxListedBytes with this one.
  Result<void> take(const RelPath& path);

 private:
  const Tree& tree_;
  uint64_t bytes_ = 0;
};

}  // namespace kiln::store
