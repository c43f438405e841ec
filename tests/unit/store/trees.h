// Trees for tests: written down as lists of paths, or made at random.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/types/hash.h"
#include "daemon/store/tree_ops.h"

namespace kiln::store {

inline RelPath path_of(std::string_view text) {
  auto path = RelPath::parse(text);
  EXPECT_TRUE(path.ok()) << text;
  return *path;
}

inline PathEntry file(std::string_view path, std::string_view content, bool executable = false) {
  return {path_of(path), File{file_digest_of(content), executable}};
}
inline PathEntry link(std::string_view path, std::string target) {
  return {path_of(path), Symlink{std::move(target)}};
}
inline PathEntry directory(std::string_view path) { return {path_of(path), Tree::empty()}; }

inline TreePtr tree(std::vector<PathEntry> entries) {
  auto made = tree_of(std::move(entries));
  EXPECT_TRUE(made.ok()) << made.error().to_string();
  return *made;
}

// The naive model: every path of a tree, each directory a path of its own. What a path holds is
// text, so that equality is equality of strings.
using FlatTree = std::map<std::string, std::string>;

inline std::string flat_node(const Node& node) {
  if (const auto* f = std::get_if<File>(&node)) {
    return (f->executable ? "executable " : "file ") + to_string(f->digest);
  }
  if (const auto* l = std::get_if<Symlink>(&node)) return "link " + l->target;
  return "directory";
}

inline FlatTree flat(const TreePtr& root) {
  FlatTree paths;
  walk(*root, RelPath(), [&](const RelPath& path, const Node& node) {
    paths[path.str()] = flat_node(node);
    return true;
  });
  return paths;
}

inline std::vector<Change> changes(const TreePtr& left, const TreePtr& right) {
  std::vector<Change> all;
  DiffWalk walk(left, right);
  for (auto next = walk.next(); next.ok() && *next; next = walk.next()) all.push_back(**next);
  return all;
}

// Few names and contents, so that trees made independently meet, agree and disagree.
inline std::vector<PathEntry> random_entries(std::mt19937& random, int most) {
  const auto below = [&](int n) { return static_cast<int>(random() % n); };
  static const std::vector<std::string> kNames = {"a", "a-b", "a.b", "ab", "b", "B", "é"};
  std::vector<PathEntry> entries;
  FlatTree taken;  // so that the entries can stand together
  for (int i = below(most + 1); i > 0; --i) {
    RelPath path;
    bool fits = true;
    for (int depth = 1 + below(4); depth > 0 && fits; --depth) {
      path = path.child(kNames[below(static_cast<int>(kNames.size()))]);
      fits = depth == 1 ? !taken.contains(path.str())
                        : taken.emplace(path.str(), "directory").first->second == "directory";
    }
    if (!fits) continue;
    const int kind = below(8);
    Node node = Tree::empty();
    if (kind < 6) node = File{file_digest_of(std::string(below(3), 'x')), kind == 0};
    if (kind == 6) node = Symlink{below(2) == 0 ? "a" : "../b"};
    taken[path.str()] = flat_node(node);
    entries.push_back({path, std::move(node)});
  }
  return entries;
}

inline TreePtr random_tree(std::mt19937& random, int most = 12) {
  return tree(random_entries(random, most));
}

}  // namespace kiln::store
