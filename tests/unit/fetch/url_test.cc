#include "daemon/fetch/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::fetch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string refusal(std::string_view text) {
  const auto url = Url::parse(text);
  EXPECT_FALSE(url.ok()) << text;
  if (url.ok()) return "";
  EXPECT_EQ(exit_code(url.error().code(), url.error().blame()), 2);
  return url.error().to_string();
}

TEST(UrlTest, TheLastSegmentNamesTheFile) {
  const auto name = [](std::string_view text) { return Url::parse(text)->file_name(); };
  EXPECT_EQ(name("https://example.com/a/tool-1.2.tar.gz"), "tool-1.2.tar.gz");
  EXPECT_EQ(name("http://example.com/file?token=1/2#part/3"), "file");
  EXPECT_EQ(name("https://example.com/two%20words"), "two words");
  EXPECT_EQ(name("https://example.com/%C3%A4"), "ä");
  EXPECT_EQ(name("file:///usr/share/x%2Etxt"), "x.txt");
  EXPECT_EQ(name("https://example.com/a/b/../c"), "c");
}

TEST(UrlTest, APathOfThisMachineIsDecoded) {
  EXPECT_EQ(Url::parse("file:///tmp/two%20words")->path(), "/tmp/two words");
  EXPECT_EQ(Url::parse("file://localhost/tmp/x")->path(), "/tmp/x");
}

TEST(UrlTest, HostileLastSegmentsAreRefusedAndNamed) {
  EXPECT_THAT(refusal("https://example.com"), HasSubstr("last segment"));
  EXPECT_THAT(refusal("https://example.com/dir/"), HasSubstr("last segment"));
  EXPECT_THAT(refusal("https://example.com/.."), HasSubstr("last segment"));
  EXPECT_THAT(refusal("https://example.com/x/."), HasSubstr("last segment"));
  EXPECT_THAT(refusal("https://example.com/%2e%2e"), HasSubstr("last segment"));
  EXPECT_THAT(refusal("https://example.com/a%2Fb"), HasSubstr("'a%2Fb'"));
  EXPECT_THAT(refusal("https://example.com/a%00b"), HasSubstr("'a%00b'"));
  EXPECT_THAT(refusal("https://example.com/a%ff"), HasSubstr("'a%ff'"));
  EXPECT_THAT(refusal("https://example.com/a%0ab"), HasSubstr("a%0ab"));
}

TEST(UrlTest, OtherSchemesAndNoSchemesAreRefused) {
  EXPECT_THAT(refusal("ftp://example.com/x"), HasSubstr("use https:, http: or file:"));
  EXPECT_THAT(refusal("gopher://example.com/x"), HasSubstr("use https:, http: or file:"));
  EXPECT_THAT(refusal("example.com/x"), HasSubstr("no URL"));
  EXPECT_THAT(refusal("/tmp/x"), HasSubstr("no URL"));
  EXPECT_THAT(refusal(""), HasSubstr("no URL"));
  EXPECT_THAT(refusal("https://exa mple.com/x"), HasSubstr("no URL"));
  EXPECT_THAT(refusal(std::string_view("https://example.com/x\0y", 23)), HasSubstr("no URL"));
  EXPECT_THAT(refusal("file:none"), HasSubstr("not absolute"));
  EXPECT_THAT(refusal("file://elsewhere/x"), HasSubstr("no URL"));
}

TEST(UrlTest, AUserNameOrPasswordIsRefusedAndNotRepeated) {
  for (const char* text : {"https://me:secret@example.com/x", "https://secret@example.com/x",
                           "https://:secret@example.com/x", "https://me:sec%72et@example.com/x"}) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr("~/.netrc"), HasSubstr("example.com/x"),
                                     Not(HasSubstr("secret")), Not(HasSubstr("sec%72et"))));
  }
}

TEST(UrlTest, WhatIsNoUrlIsShownWithoutWhatMayBeSecret) {
  for (const char* text :
       {"https://me:se cret@example.com/x", "https://me:se/cret@example.com/x",
        "https://me:se?cret@example.com/x", "me:cret@example.com/x", "https://exa mple/x?cret"}) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr("exa"), Not(HasSubstr("cret")))) << text;
    EXPECT_THAT(shown_url(text), Not(HasSubstr("cret"))) << text;
  }
}

TEST(UrlTest, AQueryIsAskedForAndNotShown) {
  const auto url = Url::parse("https://example.com:8443/x?signature=cret&mail=a@b#cret");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->text(), "https://example.com:8443/x?signature=cret&mail=a@b");
  EXPECT_EQ(url->shown(), "https://example.com:8443/x?…");
}

}  // namespace
}  // namespace kiln::fetch
