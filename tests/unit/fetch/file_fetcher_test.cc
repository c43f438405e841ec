#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "daemon/fetch/fetchers.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/fetch/recording_sink.h"

namespace kiln::fetch {
namespace {

using testing::HasSubstr;

class FileFetcherTest : public testing::Test {
 protected:
  Result<void> fetch(const std::string& below) {
    const auto url = Url::parse("file://" + disk_.path() + "/" + below);
    return make_file_fetcher()->fetch(*url, sink_, stop_.get_token());
  }
  std::string refusal(const std::string& below) {
    const auto fetched = fetch(below);
    EXPECT_FALSE(fetched.ok());
    if (fetched.ok()) return "";
    EXPECT_EQ(exit_code(fetched.error().code(), fetched.error().blame()), 2);
    return fetched.error().to_string();
  }

  test::TempDirectory disk_;
  RecordingSink sink_;
  std::stop_source stop_;
};

TEST_F(FileFetcherTest, AFileOfThisMachineIsRead) {
  const std::string content(1'000'000, 'x');
  disk_.write("two words", content);
  ASSERT_TRUE(fetch("two%20words").ok());
  EXPECT_EQ(sink_.bytes, content);
  EXPECT_EQ(sink_.announced.back(), 1'000'000);
}

TEST_F(FileFetcherTest, WhatIsNotThereIsNamed) {
  EXPECT_THAT(refusal("none"), HasSubstr(disk_.path("none") + ": No such file"));
}

TEST_F(FileFetcherTest, WhatMightNeverEndIsRefused) {
  ASSERT_EQ(::mkfifo(disk_.path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(refusal("fifo"), HasSubstr("not a regular file"));
  disk_.make_directory("directory");
  EXPECT_THAT(refusal("directory"), HasSubstr("not a regular file"));
}

TEST_F(FileFetcherTest, ASinkThatHasEnoughEndsIt) {
  disk_.write("long", std::string(1'000'000, 'x'));
  sink_.limit = 10;
  EXPECT_EQ(fetch("long").error().message(), "the sink has enough");
  EXPECT_LT(sink_.bytes.size(), 500'000u);
}

TEST_F(FileFetcherTest, CancellingEndsIt) {
  disk_.write("file", "x");
  stop_.request_stop();
  EXPECT_EQ(fetch("file").error().code(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace kiln::fetch
