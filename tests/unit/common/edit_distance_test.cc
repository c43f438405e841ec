#include "common/base/edit_distance.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(EditDistance, CountsWhatMakesOneOfTheOther) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("lint", "lint"), 0u);
  EXPECT_EQ(edit_distance("", "lint"), 4u);
  EXPECT_EQ(edit_distance("lin", "lint"), 1u);
  EXPECT_EQ(edit_distance("lint", "list"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(EditDistance, SwappedNeighboursAreOneSlip) {
  EXPECT_EQ(edit_distance("--inptu", "--input"), 1u);
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u) << "what was swapped is not edited again";
}

TEST(EditDistance, IsTheSameBothWays) {
  EXPECT_EQ(edit_distance("shellchek", "shellcheck"), edit_distance("shellcheck", "shellchek"));
  EXPECT_EQ(edit_distance("ca", "abc"), edit_distance("abc", "ca"));
}

}  // namespace
}  // namespace kiln
