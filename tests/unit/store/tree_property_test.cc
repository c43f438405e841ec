// Laws that hold for all trees, checked on random ones against flat maps of paths.
#include <algorithm>
#include <cstdlib>

#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

int rounds() {
  const char* text = std::getenv("KILN_FUZZ_ROUNDS");
  return text == nullptr ? 2000 : std::atoi(text);
}

class TreeLaws : public testing::Test {
 protected:
  std::mt19937 random_{20100101};
};

// The naive verdict: every path of either side, if no path holds two things.
std::optional<FlatTree> naive_merge(const FlatTree& a, const FlatTree& b) {
  FlatTree merged = a;
  for (const auto& [path, node] : b) {
    if (merged.emplace(path, node).first->second != node) return std::nullopt;
  }
  return merged;
}

TEST_F(TreeLaws, LeavesRebuildTheTree) {
  for (int i = 0; i < rounds(); ++i) {
    const TreePtr t = random_tree(random_);
    EXPECT_EQ(tree(*leaves_of(t))->digest(), t->digest());
  }
}

TEST_F(TreeLaws, TheOrderOfEntriesDoesNotMatter) {
  for (int i = 0; i < rounds(); ++i) {
    std::vector<PathEntry> entries = random_entries(random_, 12);
    const Digest expected = tree(entries)->digest();
    std::shuffle(entries.begin(), entries.end(), random_);
    EXPECT_EQ(tree(entries)->digest(), expected);
  }
}

TEST_F(TreeLaws, EqualDigestsMeanEqualTrees) {
  for (int i = 0; i < rounds(); ++i) {
    const TreePtr a = random_tree(random_, 3);
    const TreePtr b = random_tree(random_, 3);
    EXPECT_EQ(a->digest() == b->digest(), flat(a) == flat(b));
  }
}

TEST_F(TreeLaws, MergeAgreesWithTheNaiveOne) {
  int conflicts = 0;
  for (int i = 0; i < rounds(); ++i) {
    const TreePtr a = random_tree(random_, 6);
    const TreePtr b = random_tree(random_, 6);
    const auto expected = naive_merge(flat(a), flat(b));
    const auto merged = merge(std::vector{a, b}, nullptr);
    ASSERT_EQ(merged.ok(), expected.has_value());
    if (expected) {
      EXPECT_EQ(flat(*merged), *expected);
    } else {
      ++conflicts;
      for (const auto& [path, node] : flat(b)) {
        const FlatTree left = flat(a);
        const auto it = left.find(path);
        const bool differs = it != left.end() && it->second != node;
        EXPECT_EQ(merged.error().message().find("\n  " + path + "\n") != std::string::npos, differs)
            << path << "\n"
            << merged.error().message();
      }
    }
  }
  EXPECT_GT(conflicts, rounds() / 20) << "too few conflicts to have tested anything";
  EXPECT_LT(conflicts, rounds() * 19 / 20);
}

TEST_F(TreeLaws, MergeIsCommutativeAssociativeAndIdempotent) {
  for (int i = 0; i < rounds(); ++i) {
    const TreePtr a = random_tree(random_, 4);
    const TreePtr b = random_tree(random_, 4);
    const TreePtr c = random_tree(random_, 4);
    EXPECT_EQ((*merge(std::vector{a, a}, nullptr))->digest(), a->digest());
    const auto all = merge(std::vector{a, b, c}, nullptr);
    const auto reversed = merge(std::vector{c, b, a, b}, nullptr);
    ASSERT_EQ(all.ok(), reversed.ok());
    const auto left = merge(std::vector{a, b}, nullptr);
    const auto right = merge(std::vector{b, c}, nullptr);
    const bool left_ok = left.ok() && merge(std::vector{*left, c}, nullptr).ok();
    const bool right_ok = right.ok() && merge(std::vector{a, *right}, nullptr).ok();
    ASSERT_EQ(all.ok(), left_ok);
    ASSERT_EQ(all.ok(), right_ok);
    if (!all.ok()) continue;
    EXPECT_EQ((*all)->digest(), (*reversed)->digest());
    EXPECT_EQ((*merge(std::vector{*left, c}, nullptr))->digest(), (*all)->digest());
    EXPECT_EQ((*merge(std::vector{a, *right}, nullptr))->digest(), (*all)->digest());
  }
}

TEST_F(TreeLaws, RemovingAPrefixUndoesAddingIt) {
  for (int i = 0; i < rounds(); ++i) {
    const TreePtr t = random_tree(random_);
    const RelPath prefix = path_of(std::vector{"", "a", "a/b", "é/x/y"}[random_() % 4]);
    const TreePtr added = add_prefix(t, prefix);
    EXPECT_EQ((*remove_prefix(added, prefix))->digest(), t->digest());
    for (const auto& [path, node] : flat(t)) {
      const Node* found = added->find(prefix.join(path_of(path)));
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(flat_node(*found), node);
    }
  }
}

TEST_F(TreeLaws, DiffAgreesWithTheNaiveOne) {
  for (int i = 0; i < rounds(); ++i) {
    const TreePtr a = random_tree(random_, 8);
    const TreePtr b = random_tree(random_, 8);
    const FlatTree left = flat(a);
    const FlatTree right = flat(b);
    // Every changed path that has no changed parent, with both of its sides.
    std::map<std::string, std::pair<std::string, std::string>> expected;
    const auto side = [](const FlatTree& side, const std::string& path) {
      const auto it = side.find(path);
      return it == side.end() ? std::string("-") : it->second;
    };
    for (const FlatTree& paths : {left, right}) {
      for (const auto& [path, unused] : paths) {
        if (side(left, path) == side(right, path)) continue;
        const RelPath parent = path_of(path).parent();
        if (!parent.is_root() && side(left, parent.str()) != side(right, parent.str())) continue;
        expected[path] = {side(left, path), side(right, path)};
      }
    }
    std::map<std::string, std::pair<std::string, std::string>> actual;
    std::vector<std::string> order;
    for (const Change& change : changes(a, b)) {
      actual[change.path.str()] = {change.left ? flat_node(*change.left) : "-",
                                   change.right ? flat_node(*change.right) : "-"};
      order.push_back(change.path.str());
    }
    EXPECT_EQ(actual, expected);
    EXPECT_EQ(order.size(), actual.size());
  }
}

}  // namespace
}  // namespace kiln::store
