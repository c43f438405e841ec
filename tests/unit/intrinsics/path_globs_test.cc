// What is selected from trees that are at hand.
#include "daemon/intrinsics/path_globs.h"

#include <gmock/gmock.h>

#include "tests/unit/store/trees.h"

namespace kiln::intrinsics {
namespace {

using store::file;
using store::tree;

// `below` in two directories on each of `levels` levels.
store::TreePtr doubled(int levels, store::TreePtr below) {
  for (int i = 0; i < levels; ++i) below = store::Tree::make({{"a", below}, {"b", below}});
  return below;
}

store::FlatTree selected(const store::TreePtr& from, std::vector<std::string> globs) {
  const auto part = subset(from, PathGlobs{.globs = std::move(globs)});
  EXPECT_TRUE(part.ok()) << part.error().to_string();
  return part.ok() ? store::flat(part->tree) : store::FlatTree();
}

TEST(Subset, OfEqualDirectoriesIsThatOfEach) {
  const store::TreePtr all = doubled(2, tree({file("x", "1"), file("y", "2")}));
  EXPECT_EQ(selected(all, {"**"}), store::flat(all));
  EXPECT_EQ(selected(all, {"**", "!y"}), store::flat(doubled(2, tree({file("x", "1")}))));
  EXPECT_EQ(selected(all, {"a/*/x", "b/a/y"}),
            store::flat(tree({file("a/a/x", "1"), file("a/b/x", "1"), file("b/a/y", "2")})));
  // An exclude of a whole path concerns one of the equal directories.
  EXPECT_EQ(selected(all, {"**/x", "!/a/b"}),
            store::flat(tree({file("a/a/x", "1"), file("b/a/x", "1"), file("b/b/x", "1")})));
  EXPECT_EQ(selected(all, {"**", "!b/", "!x"}), store::flat(tree({file("a/a/y", "2")})));
}

TEST(Subset, OfATreeThatIsHugeAsAListTakesEachDirectoryOnce) {
  const store::TreePtr huge = doubled(60, tree({file("x", "1"), file("y", "2")}));
  for (const std::vector<std::string>& globs :
       {std::vector<std::string>{"**/x"}, {"**", "!y"}, {"**/a/**/x"}}) {
    const auto part = subset(huge, PathGlobs{.globs = globs});
    ASSERT_TRUE(part.ok()) << part.error().to_string();
    EXPECT_GT(part->tree->extent().entries, uint64_t{1} << 59);
    EXPECT_EQ(part->tree->find(RelPath::from_normalized("a/y")), nullptr);
  }
}

TEST(Subset, EndsWhenItIsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  const auto part = subset(doubled(60, tree({file("x", "1")})),
                           PathGlobs{.globs = {"**", "!/a/b/c"}}, stop.get_token());
  ASSERT_FALSE(part.ok());
  EXPECT_EQ(part.error().code(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace kiln::intrinsics
