#include "common/types/base64.h"

#include <gtest/gtest.h>

#include <map>

namespace kiln {
namespace {

// The test vectors of RFC 4648, section 10.
TEST(Base64, IsThatOfTheRfc) {
  const std::map<std::string, std::string> vectors = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encoded(bytes), text);
    EXPECT_EQ(base64_decoded(text), bytes);
  }
}

TEST(Base64, EveryByteComesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    EXPECT_EQ(base64_decoded(base64_encoded(all)), all);
  }
}

TEST(Base64, TakesBothAlphabetsAndNoPadding) {
  EXPECT_EQ(base64_decoded("aGk"), "hi");
  EXPECT_EQ(base64_decoded("+/8"), base64_decoded("-_8="));
  EXPECT_EQ(base64_decoded("a"), std::nullopt);
  EXPECT_EQ(base64_decoded("a*b="), std::nullopt);
}

}  // namespace
}  // namespace kiln
