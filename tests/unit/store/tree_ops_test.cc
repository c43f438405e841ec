#include "daemon/store/tree_ops.h"

#include <gmock/gmock.h>

#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(std::vector<PathEntry> entries) {
  const auto made = tree_of(std::move(entries));
  EXPECT_FALSE(made.ok());
  if (made.ok()) return "";
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(made.error().blame(), Blame::kUser);
  return made.error().message();
}

TEST(TreeOf, MakesParents) {
  EXPECT_EQ(flat(tree({file("a/b/c", "x")})),
            (FlatTree{{"a", "directory"},
                      {"a/b", "directory"},
                      {"a/b/c", "file " + to_string(file_digest_of("x"))}}));
}

TEST(TreeOf, TakesTheSameEntryTwice) {
  EXPECT_EQ(tree({file("a/b", "x"), file("a/b", "x"), directory("a"), directory("a")})->digest(),
            tree({file("a/b", "x")})->digest());
}

TEST(TreeOf, RefusesTheRootAsAPath) {
  EXPECT_THAT(refusal({file("", "x")}), HasSubstr("the empty path"));
}

TEST(TreeOf, NamesThePathsGivenTwiceAndNoOthers) {
  const std::string message = refusal({file("a", "x"), file("b/c", "1"), file("b/c", "1", true),
                                       file("d", "y"), link("e", "t"), directory("e")});
  EXPECT_THAT(message, HasSubstr("'b/c' is given twice with different content"));
  EXPECT_THAT(message, HasSubstr("'e' is given twice"));
  EXPECT_THAT(message, Not(HasSubstr("'a'")));
  EXPECT_THAT(message, Not(HasSubstr("'d'")));
}

TEST(TreeOf, NamesFilesAndSymlinksThatAreAlsoParents) {
  const std::string message = refusal({file("a", "x"), file("a/b", "y"), file("a/c/d", "y"),
                                       link("l", "a"), file("l/m", ""), file("a-b", "fine")});
  EXPECT_THAT(message, HasSubstr("'a' is not a directory but a parent of 'a/b'"));
  EXPECT_THAT(message, HasSubstr("'a' is not a directory but a parent of 'a/c/d'"));
  EXPECT_THAT(message, HasSubstr("'l' is not a directory but a parent of 'l/m'"));
  EXPECT_THAT(message, Not(HasSubstr("a-b")));
}

TEST(TreeOf, RefusesPathsTooDeepToRecurseInto) {
  std::string path = "d";
  for (int i = 0; i < 100'000; ++i) path += "/d";
  EXPECT_THAT(refusal({file(path, "x")}), HasSubstr("more than 2048 components"));
}

TEST(LeavesOf, AreFilesSymlinksAndEmptyDirectories) {
  const auto leaves = leaves_of(tree({file("a/b", "x"), link("l", "a"), directory("e/f")}));
  ASSERT_EQ(leaves.size(), 3u);
  EXPECT_EQ(leaves[0].path.str(), "a/b");
  EXPECT_EQ(leaves[1].path.str(), "e/f");
  EXPECT_EQ(leaves[2].path.str(), "l");
}

TEST(Prefix, OfNothingIsTheTreeItself) {
  const TreePtr root = tree({file("a", "x")});
  EXPECT_EQ(add_prefix(root, RelPath()), root);
  EXPECT_EQ(*remove_prefix(root, RelPath()), root);
}

TEST(Prefix, RemovingNamesWhatStandsOutside) {
  const TreePtr root =
      tree({file("src/lib/a", ""), file("src/b", ""), directory("src/tests"), link("README", "x")});
  const auto removed = remove_prefix(root, path_of("src/lib"));
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().blame(), Blame::kUser);
  EXPECT_EQ(removed.error().message(),
            "cannot remove the prefix 'src/lib': these stand outside it:\n"
            "  README\n  src/b\n  src/tests/");
}

TEST(Prefix, RemovingNeedsADirectory) {
  const auto removed = remove_prefix(tree({file("src", "")}), path_of("src"));
  ASSERT_FALSE(removed.ok());
  EXPECT_THAT(removed.error().message(), HasSubstr("\n  src"));
}

TEST(Prefix, RemovingFromNothingGivesNothing) {
  EXPECT_EQ((*remove_prefix(Tree::empty(), path_of("a/b")))->digest(), Digest());
  EXPECT_EQ((*remove_prefix(tree({directory("a")}), path_of("a/b")))->digest(), Digest());
}

std::string shown(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) {
    text += change.path.str() + ":" + (change.left ? flat_node(*change.left).substr(0, 4) : "-") +
            ">" + (change.right ? flat_node(*change.right).substr(0, 4) : "-") + " ";
  }
  return text;
}

TEST(Diff, OfEqualTreesIsEmpty) {
  EXPECT_TRUE(diff(tree({file("a/b", "x")}), tree({file("a/b", "x")})).empty());
  EXPECT_TRUE(diff(Tree::empty(), Tree::empty()).empty());
}

TEST(Diff, ADirectoryOnOneSideIsOneChange) {
  EXPECT_EQ(shown(diff(tree({file("a/b/c", "x"), file("k", "")}), tree({file("k", "")}))),
            "a:dire>- ");
}

TEST(Diff, ReportsContentModeTargetAndKind) {
  EXPECT_EQ(shown(diff(tree({file("content", "1"), file("mode", "m"), link("target", "x"),
                             file("kind", ""), file("same", "s"), file("old", "")}),
                       tree({file("content", "2"), file("mode", "m", true), link("target", "y"),
                             directory("kind"), file("same", "s"), file("new", "")}))),
            "content:file>file kind:file>dire mode:file>exec new:->file old:file>- "
            "target:link>link ");
}

}  // namespace
}  // namespace kiln::store
