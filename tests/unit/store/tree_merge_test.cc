#include <gmock/gmock.h>

#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string conflict(std::vector<TreePtr> trees, const Peek& peek = nullptr) {
  const auto merged = merge(trees, peek);
  EXPECT_FALSE(merged.ok());
  if (merged.ok()) return "";
  EXPECT_EQ(merged.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(merged.error().blame(), Blame::kUser);
  return merged.error().message();
}

TEST(Merge, OfNothingIsTheEmptyTree) { EXPECT_EQ((*merge({}, nullptr))->digest(), Digest()); }

TEST(Merge, TakesAllEntriesOfAllTrees) {
  const std::vector<TreePtr> trees = {tree({file("a/x", "1"), file("both", "b")}),
                                      tree({file("a/y", "2"), file("both", "b")}),
                                      tree({directory("e"), link("a/l", "x")})};
  EXPECT_EQ((*merge(trees, nullptr))->digest(),
            tree({file("a/x", "1"), file("a/y", "2"), file("both", "b"), directory("e"),
                  link("a/l", "x")})
                ->digest());
}

TEST(Merge, SharesTheSubtreesThatDoNotChange) {
  const TreePtr left = tree({file("same/a", "1"), file("l/b", "2")});
  const TreePtr right = tree({file("r/c", "3")});
  const auto merged = merge(std::vector{left, right}, nullptr);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(std::get<TreePtr>((*merged)->find("l")->node),
            std::get<TreePtr>(left->find("l")->node));
  EXPECT_EQ(std::get<TreePtr>((*merged)->find("r")->node),
            std::get<TreePtr>(right->find("r")->node));
}

TEST(Merge, OfATreeAndAPartOfItIsTheTreeItself) {
  const TreePtr whole = tree({file("a/b", "1"), file("a/c", "2"), file("d", "3")});
  const TreePtr part = tree({file("a/c", "2")});
  EXPECT_EQ(*merge(std::vector{part, whole}, nullptr), whole);
}

TEST(Merge, ListsEveryConflictWithBothSides) {
  const std::string message = conflict(
      {tree({file("src/a", "one"), file("tool", "t"), link("l", "x"), file("fine", "f")}),
       tree({file("src/a", "two!"), file("tool", "t", true), link("l", "y"), file("fine", "f")})},
      [](const FileDigest& digest) -> std::optional<std::string> {
        if (digest == file_digest_of("one")) return "one";
        if (digest == file_digest_of("two!")) return "two!";
        return std::nullopt;
      });
  EXPECT_THAT(message, HasSubstr("3 paths"));
  EXPECT_THAT(message, HasSubstr("\n  src/a\n    file "));
  EXPECT_THAT(message, HasSubstr("\n    file " + to_string(file_digest_of("one")) + " \"one\""));
  EXPECT_THAT(message, HasSubstr("\n    file " + to_string(file_digest_of("two!")) + " \"two!\""));
  EXPECT_THAT(message, HasSubstr("tool\n    executable file " + to_string(file_digest_of("t"))));
  EXPECT_THAT(message, HasSubstr("l\n    symlink to 'x'\n    symlink to 'y'"));
  EXPECT_THAT(message, Not(HasSubstr("fine")));
}

TEST(Merge, AnEmptyFileConflictsWithAnEmptyDirectory) {
  const std::string message = conflict({tree({file("a", "")}), tree({directory("a")})});
  EXPECT_THAT(message, HasSubstr("file " + to_string(FileDigest())));
  EXPECT_THAT(message, HasSubstr("directory " + to_string(Digest())));
}

TEST(Merge, TheMessageDoesNotDependOnTheOrder) {
  std::vector<TreePtr> trees = {tree({file("a", "1")}), tree({file("a", "2")}),
                                tree({file("a", "3"), file("b", "x")})};
  const std::string message = conflict(trees);
  std::swap(trees[0], trees[2]);
  EXPECT_EQ(conflict(trees), message);
}

TEST(Merge, ExcerptsAreShortAndPrintable) {
  const std::vector<TreePtr> trees = {tree({file("a", "1")}), tree({file("a", "2")})};
  const auto shown = [&](std::string content) {
    return conflict(trees, [&](const FileDigest&) { return std::optional(content); });
  };
  EXPECT_THAT(shown("a\nb"), HasSubstr("\"a\\x0ab\""));
  EXPECT_THAT(shown(std::string("\0binary", 7)), Not(HasSubstr("\"")));
  EXPECT_THAT(shown("\xff\xfe"), Not(HasSubstr("\"")));
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += i == 0 ? "x" : "ü";
  EXPECT_THAT(shown(umlauts), HasSubstr("ü…\""));
}

}  // namespace
}  // namespace kiln::store
