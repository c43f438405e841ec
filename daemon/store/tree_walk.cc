#include "daemon/store/tree_walk.h"

#include "daemon/store/limits.h"

namespace kiln::store {

Result<TreeWalk> TreeWalk::begin(TreePtr tree, std::stop_token stop) {
  KILN_TRY(check_listed(*tree));
  return TreeWalk(std::move(tree), std::move(stop));
}

Result<std::optional<TreeWalk::Item>> TreeWalk::next() {
  constexpr uint64_t kBetweenChecks = 256;
  if (++seen_ % kBetweenChecks == 0 && stop_.stop_requested()) {
    return user_error(ErrorCode::kCancelled, "the walk of a tree was cancelled");
  }
  while (!open_.empty() && open_.back().next == open_.back().tree->entries().size()) {
    open_.pop_back();
  }
  if (open_.empty()) return std::optional<Item>();
  Level& level = open_.back();
  const Entry& entry = level.tree->entries()[level.next++];
  path_.resize(level.path_length);
  if (!path_.empty()) path_ += '/';
  path_ += entry.name;
  Item item{RelPath::from_normalized(path_), &entry.node};
  if (const auto* below = std::get_if<TreePtr>(&entry.node)) {
    open_.push_back({.tree = below->get(), .path_length = path_.size()});
  }
  return std::optional<Item>(std::move(item));
}

Result<void> ListBudget::take(const RelPath& path) {
  bytes_ += path.str().size() + sizeof(RelPath);
  if (bytes_ <= kMaxListedBytes) return {};
  return user_error(ErrorCode::kResourceExhausted,
                    "the paths of the tree " + to_string(tree_.digest()) +
                        " take more than the limit of " + std::to_string(kMaxListedBytes >> 20) +
                        " MiB for a list of paths in memory; ask for a part of the tree");
}

}  // namespace kiln::store
