#include "daemon/store/tree_ops.h"

#include <gmock/gmock.h>

#include "daemon/store/limits.h"
#include "daemon/store/tree_contents.h"
#include "daemon/store/tree_walk.h"
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

TEST(TreeOf, RefusesSymlinkTargetsThatNoneCanHave) {
  const std::string with_nul("a\0b", 3);
  for (const std::string& target : {std::string(), with_nul, std::string(4096, 'a'),
                                    std::string("\xff"), std::string("a/b\0", 4)}) {
    EXPECT_THAT(refusal({link("l", target), file("fine", "x")}),
                AllOf(HasSubstr("'l' is a symlink to"), Not(HasSubstr("fine"))));
  }
  EXPECT_TRUE(tree_of({link("l", std::string(4095, 'a'))}).ok());
}

TEST(TreeOf, RefusesPathsTooDeepToRecurseInto) {
  std::string path = "d";
  for (int i = 0; i < 100'000; ++i) path += "/d";
  EXPECT_THAT(refusal({file(path, "x")}), HasSubstr("more than 2048 components"));
}

TEST(LeavesOf, AreFilesSymlinksAndEmptyDirectories) {
  const auto leaves = *leaves_of(tree({file("a/b", "x"), link("l", "a"), directory("e/f")}));
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
  EXPECT_TRUE(changes(tree({file("a/b", "x")}), tree({file("a/b", "x")})).empty());
  EXPECT_TRUE(changes(Tree::empty(), Tree::empty()).empty());
}

TEST(Diff, ADirectoryOnOneSideIsOneChange) {
  EXPECT_EQ(shown(changes(tree({file("a/b/c", "x"), file("k", "")}), tree({file("k", "")}))),
            "a:dire>- ");
}

TEST(Diff, ReportsContentModeTargetAndKind) {
  EXPECT_EQ(shown(changes(tree({file("content", "1"), file("mode", "m"), link("target", "x"),
                                file("kind", ""), file("same", "s"), file("old", "")}),
                          tree({file("content", "2"), file("mode", "m", true), link("target", "y"),
                                directory("kind"), file("same", "s"), file("new", "")}))),
            "content:file>file kind:file>dire mode:file>exec new:->file old:file>- "
            "target:link>link ");
}

// A few directories that list 2^levels files.
TreePtr doubled(int levels, const std::string& content) {
  TreePtr all = tree({file("f", content)});
  for (int i = 0; i < levels; ++i) all = Tree::make({{"a", all}, {"b", all}});
  return all;
}

TEST(HugeList, IsCountedWithoutBeingWalked) {
  const TreePtr small = doubled(3, "abc");
  EXPECT_EQ(small->extent().entries, 8u + 14u);
  EXPECT_EQ(small->extent().bytes, 8u * 3);
  EXPECT_EQ(doubled(100, "abc")->extent().entries, UINT64_MAX);
  EXPECT_EQ(doubled(100, "abc")->extent().bytes, UINT64_MAX);
}

TEST(HugeList, IsRefusedByWhoeverListsIt) {
  const TreePtr huge = doubled(40, "x");
  for (const Error& error :
       {leaves_of(huge).error(), TreeWalk::begin(huge).error(), check_contents(*huge).error()}) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
    EXPECT_THAT(error.message(), HasSubstr(to_string(huge->digest())));
    EXPECT_THAT(error.message(), HasSubstr("10000000"));
  }
}

TEST(HugeList, MergesDirectoryByDirectory) {
  const TreePtr left = doubled(40, "x");
  TreePtr right = tree({file("g", "y")});
  for (int i = 0; i < 40; ++i) right = Tree::make({{"a", right}, {"b", right}});
  const auto merged = merge(std::vector{left, right}, nullptr);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ((*merged)->extent().entries, 2 * left->extent().entries - ((uint64_t{2} << 40) - 2));
}

TEST(HugeList, StopsCountingConflicts) {
  const auto merged = merge(std::vector{doubled(40, "x"), doubled(40, "y")}, nullptr);
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.error().code(), ErrorCode::kConflict);
  EXPECT_THAT(merged.error().message(), HasSubstr("disagree on 10000 paths and perhaps more"));
}

TEST(HugeList, IsComparedAsFarAsSomebodyReads) {
  DiffWalk walk(doubled(40, "x"), doubled(40, "y"));
  for (int i = 0; i < 1000; ++i) {
    const auto change = walk.next();
    ASSERT_TRUE(change.ok());
    ASSERT_TRUE(change->has_value());
  }
}

TEST(Walks, EndWhenTheyAreCancelled) {
  std::stop_source stop;
  const TreePtr large = doubled(12, "x");
  auto walk = TreeWalk::begin(large, stop.get_token());
  ASSERT_TRUE(walk.ok());
  stop.request_stop();
  int seen = 0;
  auto item = walk->next();
  for (; item.ok() && *item; item = walk->next()) ++seen;
  ASSERT_FALSE(item.ok());
  EXPECT_EQ(item.error().code(), ErrorCode::kCancelled);
  EXPECT_LT(seen, 1000);
  DiffWalk diff(large, doubled(12, "y"), stop.get_token());
  EXPECT_EQ(diff.next().error().code(), ErrorCode::kCancelled);
}

TEST(Walks, AgreeWithTheRecursiveWalk) {
  const TreePtr root = doubled(4, "x");
  FlatTree walked;
  auto walk = TreeWalk::begin(root);
  ASSERT_TRUE(walk.ok());
  std::string before;
  for (auto item = walk->next(); item.ok() && *item; item = walk->next()) {
    walked[(*item)->path.str()] = flat_node(*(*item)->node);
  }
  EXPECT_EQ(walked, flat(root));
}

TEST(ContentsNamed, AreEachListedOnce) {
  const TreePtr huge = doubled(60, "x");
  EXPECT_EQ(contents_named_by(*huge), std::vector{file_digest_of("x")});
}

}  // namespace
}  // namespace kiln::store
