#include "daemon/store/tree_ops.h"

#include <algorithm>

#include "common/base/check.h"
#include "daemon/store/limits.h"
#include "daemon/store/tree_walk.h"

namespace kiln::store {

namespace {

// Orders paths by their components: what is below a directory follows it at once.
bool component_less(const RelPath& a, const RelPath& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return std::lexicographical_compare(
      a.str().begin(), a.str().end(), b.str().begin(), b.str().end(),
      [&](char left, char right) { return rank(left) < rank(right); });
}

// Fit for one line of a message.
std::string shortened(const std::string& target) {
  constexpr size_t kShown = 60;
  return printable(std::string_view(target).substr(0, kShown)) +
         (target.size() > kShown ? "…" : "");
}

// Every entry that cannot stand in a tree together with the others; `entries` sorted.
std::vector<std::string> offenders_of(const std::vector<PathEntry>& entries) {
  std::vector<std::string> offenders;
  const PathEntry* last_leaf = nullptr;  // the last file or symlink
  for (size_t i = 0; i < entries.size(); ++i) {
    const PathEntry& entry = entries[i];
    const std::string shown = "'" + printable(entry.path.str()) + "'";
    if (entry.path.is_root()) {
      offenders.push_back("the empty path, which is the root itself");
      continue;
    }
    if (std::count(entry.path.str().begin(), entry.path.str().end(), '/') >= kMaxTreeDepth) {
      offenders.push_back("a path of more than " + std::to_string(kMaxTreeDepth) + " components");
    }
    if (const auto* link = std::get_if<Symlink>(&entry.node);
        link != nullptr && !is_valid_target(link->target)) {
      offenders.push_back(shown + " is a symlink to '" + shortened(link->target) +
                          "': a target is UTF-8 of 1 to 4095 bytes, without NUL");
    }
    if (i > 0 && entries[i - 1].path == entry.path) {
      if (!same_node(entries[i - 1].node, entry.node)) {
        offenders.push_back(shown + " is given twice with different content");
      }
    } else if (last_leaf != nullptr && entry.path.is_within(last_leaf->path)) {
      offenders.push_back("'" + printable(last_leaf->path.str()) +
                          "' is not a directory but a parent of " + shown);
      continue;
    }
    if (!std::holds_alternative<TreePtr>(entry.node)) last_leaf = &entry;
  }
  return offenders;
}

// Builds the directory whose path takes the first `skip` bytes of each path in `entries`.
TreePtr build(std::span<PathEntry> entries, size_t skip) {
  std::vector<Entry> made;
  while (!entries.empty()) {
    const std::string_view path = std::string_view(entries[0].path.str()).substr(skip);
    const std::string name(path.substr(0, path.find('/')));
    const auto within = [&](const PathEntry& entry) {
      const std::string_view other = std::string_view(entry.path.str()).substr(skip);
      return other.starts_with(name) && (other.size() == name.size() || other[name.size()] == '/');
    };
    size_t count = 1;
    size_t leaves = path.size() == name.size() ? 1 : 0;  // entries for `name` itself
    for (; count < entries.size() && within(entries[count]); ++count) {
      if (entries[count].path.str().size() == skip + name.size()) ++leaves;
    }
    if (leaves == count) {
      made.push_back({name, std::move(entries[0].node)});
    } else {
      made.push_back(
          {name, build(entries.subspan(leaves, count - leaves), skip + name.size() + 1)});
    }
    entries = entries.subspan(count);
  }
  return Tree::make(std::move(made));
}

}  // namespace

Result<TreePtr> tree_of(std::vector<PathEntry> entries) {
  for (const PathEntry& entry : entries) {
    const auto* below = std::get_if<TreePtr>(&entry.node);
    KILN_CHECK(below == nullptr || (*below)->entries().empty(), "tree_of() with a whole tree");
  }
  std::stable_sort(entries.begin(), entries.end(), [](const PathEntry& a, const PathEntry& b) {
    return component_less(a.path, b.path);
  });
  const std::vector<std::string> offenders = offenders_of(entries);
  if (!offenders.empty()) {
    std::string message = "these entries cannot make a tree:";
    for (const std::string& offender : offenders) message += "\n  " + offender;
    return user_error(ErrorCode::kInvalidArgument, std::move(message));
  }
  return build(entries, 0);
}

Result<std::vector<PathEntry>> leaves_of(const TreePtr& tree, const std::stop_token& stop) {
  std::vector<PathEntry> leaves;
  ListBudget budget(*tree);
  KILN_ASSIGN(TreeWalk walk, TreeWalk::begin(tree, stop));
  for (;;) {
    KILN_ASSIGN(auto item, walk.next());
    if (!item) return leaves;
    const auto* below = std::get_if<TreePtr>(item->node);
    if (below != nullptr && !(*below)->entries().empty()) continue;
    KILN_TRY(budget.take(item->path));
    leaves.push_back({std::move(item->path), *item->node});
  }
}

TreePtr add_prefix(const TreePtr& tree, const RelPath& prefix) {
  TreePtr result = tree;
  for (RelPath rest = prefix; !rest.is_root(); rest = rest.parent()) {
    std::vector<Entry> entries;
    entries.push_back({std::string(rest.name()), std::move(result)});
    result = Tree::make(std::move(entries));
  }
  return result;
}

Result<TreePtr> remove_prefix(const TreePtr& tree, const RelPath& prefix) {
  std::vector<std::string> outside;
  TreePtr below = tree;
  RelPath at;
  std::string_view rest = prefix.str();
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    TreePtr next = Tree::empty();
    for (const Entry& entry : below->entries()) {
      const auto* directory = std::get_if<TreePtr>(&entry.node);
      if (entry.name == name && directory != nullptr) {
        next = *directory;
      } else {
        outside.push_back(at.child(entry.name).str() + (directory != nullptr ? "/" : ""));
      }
    }
    below = std::move(next);
    at = at.child(name);
  }
  if (outside.empty()) return below;
  std::string message =
      "cannot remove the prefix '" + printable(prefix.str()) + "': these stand outside it:";
  for (const std::string& path : outside) message += "\n  " + printable(path);
  return user_error(ErrorCode::kInvalidArgument, std::move(message));
}

DiffWalk::DiffWalk(TreePtr left, TreePtr right, std::stop_token stop)
    : left_(std::move(left)), right_(std::move(right)), stop_(std::move(stop)) {
  if (left_->digest() == right_->digest()) return;
  open_.push_back({.left = left_->entries(), .right = right_->entries(), .path = RelPath()});
}

Result<std::optional<Change>> DiffWalk::next() {
  while (!open_.empty()) {
    if (stop_.stop_requested()) {
      return user_error(ErrorCode::kCancelled, "the comparison of two trees was cancelled");
    }
    if (std::optional<Change> change = step()) {
      if (++found_ <= kMaxListed) return change;
      return user_error(ErrorCode::kResourceExhausted,
                        "the trees " + to_string(left_->digest()) + " and " +
                            to_string(right_->digest()) +
                            " differ in more paths than the limit of " +
                            std::to_string(kMaxListed) + "; compare parts of them");
    }
  }
  return std::optional<Change>();
}

std::optional<Change> DiffWalk::step() {
  Level& level = open_.back();
  std::span<const Entry>& left = level.left;
  std::span<const Entry>& right = level.right;
  if (left.empty() && right.empty()) {
    open_.pop_back();
    return std::nullopt;
  }
  const int order = right.empty() ? -1 : left.empty() ? 1 : left[0].name.compare(right[0].name);
  const Entry* const l = order <= 0 ? &left[0] : nullptr;
  const Entry* const r = order >= 0 ? &right[0] : nullptr;
  if (l != nullptr) left = left.subspan(1);
  if (r != nullptr) right = right.subspan(1);
  if (l == nullptr) return Change{level.path.child(r->name), std::nullopt, r->node};
  if (r == nullptr) return Change{level.path.child(l->name), l->node, std::nullopt};
  if (same_node(l->node, r->node)) return std::nullopt;
  RelPath path = level.path.child(l->name);
  const auto* below_left = std::get_if<TreePtr>(&l->node);
  const auto* below_right = std::get_if<TreePtr>(&r->node);
  if (below_left == nullptr || below_right == nullptr) {
    return Change{std::move(path), l->node, r->node};
  }
  open_.push_back({.left = (*below_left)->entries(),
                   .right = (*below_right)->entries(),
                   .path = std::move(path)});
  return std::nullopt;
}

}  // namespace kiln::store
