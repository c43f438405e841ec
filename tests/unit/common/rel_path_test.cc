#include "common/types/rel_path.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

std::string normalized(std::string_view text) {
  auto path = RelPath::parse(text);
  return path.ok() ? path->str() : "error: " + path.error().message();
}

TEST(RelPath, Normalizes) {
  EXPECT_EQ(normalized("a/b"), "a/b");
  EXPECT_EQ(normalized("./a//b/"), "a/b");
  EXPECT_EQ(normalized("a/../b/./c"), "b/c");
  EXPECT_EQ(normalized(""), "");
  EXPECT_EQ(normalized("."), "");
  EXPECT_EQ(normalized("a/.."), "");
  EXPECT_EQ(normalized("caf\xc3\xa9"), "caf\xc3\xa9");
}

TEST(RelPath, RefusesWhatLeavesTheRoot) {
  for (const std::string_view text : {"/a", "..", "../a", "a/../../b", "/"}) {
    EXPECT_TRUE(normalized(text).starts_with("error: ")) << text;
  }
  EXPECT_EQ(normalized("../a"), "error: path '../a' leaves the root it is relative to");
}

TEST(RelPath, RefusesBytesThatAreNotText) {
  EXPECT_EQ(normalized("caf\xe9"), "error: path 'caf\\xe9' is not valid UTF-8");
  EXPECT_EQ(normalized(std::string_view("a\0b", 3)), "error: path 'a\\x00b' contains a NUL byte");
}

TEST(RelPath, Utf8FollowsRfc3629) {
  EXPECT_TRUE(is_valid_utf8("\xf4\x8f\xbf\xbf"));
  for (const std::string_view bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
}

TEST(RelPath, ParentsAndChildren) {
  const RelPath path = *RelPath::parse("a/b/c");
  EXPECT_EQ(path.parent().str(), "a/b");
  EXPECT_EQ(path.name(), "c");
  EXPECT_EQ(RelPath().child("x").str(), "x");
  EXPECT_EQ(RelPath().parent(), RelPath());
  EXPECT_TRUE(path.is_within(*RelPath::parse("a/b")));
  EXPECT_FALSE(RelPath::parse("ab")->is_within(*RelPath::parse("a")));
  EXPECT_EQ(path.relative_to(*RelPath::parse("a")).str(), "b/c");
}

}  // namespace
}  // namespace kiln
