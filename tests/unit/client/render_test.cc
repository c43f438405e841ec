#include "client/render.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(Render, Quantities) {
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text((uint64_t{1} << 20) - 1), "1.0 MiB");
  EXPECT_EQ(seconds_text(0.384), "0.38s");
  EXPECT_EQ(seconds_text(59.999), "1m00s");
  EXPECT_EQ(seconds_text(125), "2m05s");
  EXPECT_EQ(uptime_text(59), "59s");
  EXPECT_EQ(uptime_text(3 * 3600 + 12 * 60), "3h 12m");
  EXPECT_EQ(uptime_text(90000), "1d 1h");
}

TEST(Render, ADigestReadsAsItPrints) {
  const std::string text = std::string(64, 'a') + "/42";
  const auto digest = digest_of_text(text);
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(digest_text(*digest), text);
  EXPECT_FALSE(digest_of_text("abc/1").ok());
}

TEST(Render, ACommandIsQuotedAndCutBetweenCharacters) {
  EXPECT_EQ(command_text({"cc", "-o", "a b", "it's", ""}, 80), "cc -o 'a b' 'it'\\''s' ''");
  EXPECT_EQ(command_text({"echo", "a\nb"}, 80), "echo 'a b'");
  for (size_t columns = 1; columns < 12; ++columns) {
    const std::string cut = command_text({"üüüüüüüü"}, columns);
    EXPECT_TRUE(cut.ends_with("...") || cut.size() <= columns + 2);
    const std::string body = cut.substr(0, cut.rfind("..."));
    EXPECT_EQ(std::count_if(body.begin(), body.end(), [](char c) { return c == '\xc3'; }),
              std::count_if(body.begin(), body.end(), [](char c) { return c == '\xbc'; }));
  }
}

TEST(Render, TablesAlign) { EXPECT_EQ(table({{"a", "1"}, {"long", "2"}}), "a     1\nlong  2\n"); }

}  // namespace
}  // namespace kiln
