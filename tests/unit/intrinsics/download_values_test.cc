#include "daemon/intrinsics/download_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/rules/param.h"
#include "daemon/rules/values/json.h"

namespace kiln::intrinsics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DownloadFileTest, IsShownWithoutWhatMayBeSecret) {
  for (const char* url :
       {"https://example.com/f?signature=cret", "https://me:cret@example.com/f"}) {
    const auto param = rules::make_param(DownloadFile{url, FileDigest()});
    const auto json = rules::to_json(param.type, *param.value);
    EXPECT_THAT(*json, HasSubstr("example.com/f")) << url;
    EXPECT_THAT(*json, Not(HasSubstr("cret"))) << url;
  }
}

TEST(DownloadFileTest, DiffersByAllThatIsAskedFor) {
  const auto key = [](std::string url, int64_t size) {
    return rules::make_param(DownloadFile{std::move(url), FileDigest{{}, size}}).hash;
  };
  EXPECT_EQ(key("https://example.com/f?a", 1), key("https://example.com/f?a", 1));
  EXPECT_NE(key("https://example.com/f?a", 1), key("https://example.com/f?b", 1));
  EXPECT_NE(key("https://example.com/f?a", 1), key("https://example.com/f?a", 2));
}

}  // namespace
}  // namespace kiln::intrinsics
