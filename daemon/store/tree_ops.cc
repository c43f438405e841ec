#include "daemon/store/tree_ops.h"

#include <algorithm>

#include "common/base/check.h"

namespace kiln::store {

namespace {

// Orders paths by their components: what is below a directory follows it at once.
bool component_less(const RelPath& a, const RelPath& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return std::lexicographical_compare(
      a.str().begin(), a.str().end(), b.str().begin(), b.str().end(),
      [&](char left, char right) { return rank(left) < rank(right); });
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

std::vector<PathEntry> leaves_of(const TreePtr& tree) {
  std::vector<PathEntry> leaves;
  walk(*tree, RelPath(), [&](const RelPath& path, const Node& node) {
    const auto* below = std::get_if<TreePtr>(&node);
    if (below != nullptr && !(*below)->entries().empty()) return true;
    leaves.push_back({path, node});
    return false;
  });
  return leaves;
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

namespace {

void diff_into(const Tree& left, const Tree& right, const RelPath& at, std::vector<Change>& out) {
  auto l = left.entries().begin();
  auto r = right.entries().begin();
  const auto l_end = left.entries().end();
  const auto r_end = right.entries().end();
  while (l != l_end || r != r_end) {
    if (r == r_end || (l != l_end && l->name < r->name)) {
      out.push_back({at.child(l->name), l->node, std::nullopt});
      ++l;
    } else if (l == l_end || r->name < l->name) {
      out.push_back({at.child(r->name), std::nullopt, r->node});
      ++r;
    } else {
      if (!same_node(l->node, r->node)) {
        const auto* below_left = std::get_if<TreePtr>(&l->node);
        const auto* below_right = std::get_if<TreePtr>(&r->node);
        if (below_left != nullptr && below_right != nullptr) {
          diff_into(**below_left, **below_right, at.child(l->name), out);
        } else {
          out.push_back({at.child(l->name), l->node, r->node});
        }
      }
      ++l;
      ++r;
    }
  }
}

}  // namespace

std::vector<Change> diff(const TreePtr& left, const TreePtr& right) {
  std::vector<Change> changes;
  if (left->digest() != right->digest()) diff_into(*left, *right, RelPath(), changes);
  return changes;
}

}  // namespace kiln::store
