#include "daemon/os/wildmatch.h"

#include <gtest/gtest.h>

namespace kiln::os {
namespace {

using Syntax = Wildmatch::Syntax;

bool matches(std::string_view pattern, std::string_view text, Syntax syntax = Syntax::kPath) {
  return Wildmatch::compile(pattern, syntax).matches(text);
}

TEST(Wildmatch, StarsStopAtSlashes) {
  EXPECT_TRUE(matches("a*/b", "axx/b"));
  EXPECT_FALSE(matches("a*b", "ax/b"));
  EXPECT_FALSE(matches("a?b", "a/b"));
  EXPECT_FALSE(matches("a[^x]b", "a/b"));
}

TEST(Wildmatch, DoubleStarsSpanComponents) {
  EXPECT_TRUE(matches("a/**/b", "a/b"));
  EXPECT_TRUE(matches("a/**/b", "a/x/y/b"));
  EXPECT_FALSE(matches("a/**/b", "ab"));
  EXPECT_TRUE(matches("a/**", "a/b/c"));
  EXPECT_FALSE(matches("a/**", "a"));
  EXPECT_TRUE(matches("**/a*/**/b?", "x/ay/z/bb/a/b/bc"));
  EXPECT_FALSE(matches("a**b", "a/b")) << "not a whole component";
}

TEST(Wildmatch, MalformedPatternsMatchNothing) {
  for (const char* pattern : {"[", "[a", "[]", "a\\", "[[:nope:]]", "[a-", "[\\"}) {
    EXPECT_FALSE(Wildmatch::compile(pattern, Syntax::kName).usable()) << pattern;
  }
}

TEST(Wildmatch, QuestionMarksTakeCharactersWhereTheTextIsUtf8) {
  EXPECT_TRUE(matches("?", "\xc3\xa9", Syntax::kUtf8Name));
  EXPECT_FALSE(matches("?", "\xc3\xa9", Syntax::kName));
  EXPECT_FALSE(matches("*??", "\xe6\x97\xa5", Syntax::kUtf8Name)) << "a star splits no character";
  EXPECT_TRUE(matches("[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", Syntax::kUtf8Name));
  EXPECT_FALSE(matches("[!\xc3\xa9]", "\xc3\xa9", Syntax::kUtf8Name));
  EXPECT_TRUE(matches("[\xd0\xb0-\xd1\x8f]", "\xd0\xb6", Syntax::kUtf8Name));
  EXPECT_TRUE(matches("a?", "a\xff", Syntax::kUtf8Name)) << "a stray byte is a character";
}

TEST(Wildmatch, LiteralsAreUnescaped) {
  EXPECT_EQ(Wildmatch::compile("a\\*b", Syntax::kName).literal(), "a*b");
  EXPECT_EQ(Wildmatch::compile("a*b", Syntax::kName).literal(), std::nullopt);
}

TEST(Wildmatch, NoPatternStalls) {
  std::string pattern = "**/";
  std::string text;
  for (int i = 0; i < 40; ++i) {
    pattern += "*a*a*a/**/";
    text += "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/";
  }
  EXPECT_FALSE(matches(pattern + "b", text + "c"));
  EXPECT_TRUE(matches(pattern + "c", text + "c"));
}

}  // namespace
}  // namespace kiln::os
