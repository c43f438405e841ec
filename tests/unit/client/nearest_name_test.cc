#include "client/nearest_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace kiln {
namespace {

const std::vector<std::string> kNames = {"--input", "--output-file", "--output-dir", "--env",
                                         "--workdir"};

TEST(NearestName, ForgivesSlips) {
  EXPECT_EQ(nearest_name("--inptu", kNames), "--input");
  EXPECT_EQ(nearest_name("--ouput-file", kNames), "--output-file");
  EXPECT_EQ(nearest_name("--wordir", kNames), "--workdir");
  EXPECT_EQ(nearest_name("--output", kNames), "--output-file");
}

TEST(NearestName, IsSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("--frobnicate", kNames), "");
  EXPECT_EQ(nearest_name("x", kNames), "");
  EXPECT_EQ(nearest_name("--input", {}), "");
  EXPECT_EQ(did_you_mean("--frobnicate", kNames), "");
}

}  // namespace
}  // namespace kiln
