#include "daemon/store/tree.h"

#include <gmock/gmock.h>

#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

TEST(Tree, TheEmptyTreeHasTheDigestOfNoBytes) {
  EXPECT_EQ(Tree::empty()->digest(), Digest());
  EXPECT_EQ(Tree::empty()->encode(), "");
  EXPECT_EQ(Tree::make({})->digest(), Digest());
}

TEST(Tree, SortsEntriesByBytes) {
  const TreePtr made = Tree::make({{"é", File{}}, {"b", File{}}, {"B", File{}}, {"a", File{}}});
  std::vector<std::string> names;
  for (const Entry& entry : made->entries()) names.push_back(entry.name);
  EXPECT_THAT(names, testing::ElementsAre("B", "a", "b", "é"));
}

TEST(Tree, RefusesWhatIsNoDirectory) {
  EXPECT_DEATH(Tree::make({{"a", File{}}, {"a", Symlink{"b"}}}), "name twice");
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"),
        std::string("a\0b", 3), std::string("\xff")}) {
    EXPECT_DEATH(Tree::make({{name, File{}}}), "invalid name") << printable(name);
  }
}

TEST(Tree, CountsWhatAChangeBelowMakesNew) {
  std::vector<PathEntry> files;
  for (int i = 0; i < 1000; ++i) files.push_back(file("big/" + std::to_string(i), "x"));
  const size_t big = tree(files)->bytes();
  EXPECT_GE(big, 1000 * sizeof(Entry));
  for (int i = 0; i < 1000; ++i) files.push_back(file("other/" + std::to_string(i), "x"));
  EXPECT_LT(tree(files)->bytes(), big + 1000) << "the other directory is shared";
  files.push_back(file("big/" + std::string(200, 'n'), "x"));
  EXPECT_GT(tree(files)->bytes(), big + 200);
}

TEST(Tree, FindsByPath) {
  const TreePtr root = tree({file("a/b/c", "content"), link("a/l", "b"), file("a-b", "x")});
  EXPECT_EQ(root->find(path_of("")), nullptr);
  EXPECT_EQ(root->find(path_of("a/b/d")), nullptr);
  EXPECT_EQ(root->find(path_of("a/b/c/d")), nullptr);
  EXPECT_EQ(root->find(path_of("a/l/c")), nullptr) << "symlinks are not followed";
  const Node* node = root->find(path_of("a/b/c"));
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(std::get<File>(*node).digest, file_digest_of("content"));
  ASSERT_NE(root->find(path_of("a/b")), nullptr);
  EXPECT_TRUE(std::holds_alternative<TreePtr>(*root->find(path_of("a/b"))));
}

TEST(Tree, KnowsItsDepth) {
  EXPECT_EQ(Tree::empty()->depth(), 0u);
  EXPECT_EQ(tree({file("a", "")})->depth(), 0u);
  EXPECT_EQ(tree({directory("a")})->depth(), 1u);
  EXPECT_EQ(tree({file("a/b/c/d", ""), file("x/y", "")})->depth(), 3u);
}

TEST(Tree, IsDestroyedWithoutRecursionHoweverDeep) {
  TreePtr deep = Tree::make({{"leaf", File{}}});
  for (int i = 0; i < 200'000; ++i) deep = Tree::make({{"d", deep}, {"shared", Tree::empty()}});
  EXPECT_EQ(deep->depth(), 200'000u);
  deep.reset();
}

TEST(Tree, WalksParentsFirstInTheOrderOfComponents) {
  const TreePtr root = tree({file("a/x", ""), file("a-b", ""), file("a/b/c", ""), directory("z")});
  std::vector<std::string> paths;
  walk(*root, path_of("p"), [&](const RelPath& path, const Node&) {
    paths.push_back(path.str());
    return path.str() != "p/a/b";
  });
  EXPECT_THAT(paths, testing::ElementsAre("p/a", "p/a/b", "p/a/x", "p/a-b", "p/z"));
}

}  // namespace
}  // namespace kiln::store
