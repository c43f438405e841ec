// Options: from what a user set to a typed value.
#include "daemon/rules/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "daemon/rules/real.h"
#include "daemon/rules/rule_set.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Output : uint8_t { kPlain, kColour };
constexpr auto enum_names(Output) { return std::array<std::string_view, 2>{"plain", "colour"}; }

struct ToolOptions {
  static constexpr std::string_view kTypeName = "ToolOptions";
  static constexpr std::string_view kScope = "tool";
  bool skip = false;
  int64_t max_jobs = 4;
  Real factor = 1.5;
  std::string path = "/usr/bin";
  std::vector<std::string> extra_args;
  std::optional<std::string> config;
  Output output = Output::kPlain;
  static void fields(auto& self, auto&& field) {
    field("skip", self.skip);
    field("max_jobs", self.max_jobs);
    field("factor", self.factor);
    field("path", self.path);
    field("extra_args", self.extra_args);
    field("config", self.config);
    field("output", self.output);
  }
  friend bool operator==(const ToolOptions&, const ToolOptions&) = default;
};

constexpr OptionScope kTool{ToolOptions::kScope, type_of<ToolOptions>()};

Result<ToolOptions> read(const std::vector<OptionSetting>& settings) {
  KILN_ASSIGN(const Param param, read_options(kTool, settings));
  EXPECT_EQ(param, make_param(graph::value_as<ToolOptions>(param.value)));
  return graph::value_as<ToolOptions>(param.value);
}
std::string refusal(const std::string& name, const std::string& value) {
  const auto options = read({{"tool", name, value}});
  return options.ok() ? "accepted" : options.error().to_string();
}

TEST(Options, WhatNobodySetIsTheDefault) { EXPECT_EQ(*read({}), ToolOptions{}); }

TEST(Options, EachKindIsRead) {
  const auto options = read({{"tool", "skip", "true"},
                             {"tool", "max_jobs", "-7"},
                             {"tool", "factor", "0.25"},
                             {"tool", "path", ""},
                             {"tool", "config", "a=b"},
                             {"tool", "output", "colour"}});
  EXPECT_EQ(*options, (ToolOptions{.skip = true,
                                   .max_jobs = -7,
                                   .factor = 0.25,
                                   .path = "",
                                   .extra_args = {},
                                   .config = "a=b",
                                   .output = Output::kColour}));
}

TEST(Options, AListGrowsWithEachSetting) {
  const auto options = read({{"tool", "extra_args", "-a"}, {"tool", "extra_args", "-a b"}});
  EXPECT_THAT(options->extra_args, ElementsAre("-a", "-a b"));
}

TEST(Options, OfAScalarTheLastSettingCounts) {
  EXPECT_EQ(read({{"tool", "max_jobs", "1"}, {"tool", "max_jobs", "2"}})->max_jobs, 2);
  EXPECT_EQ(read({{"tool", "max_jobs", "one"}, {"tool", "max_jobs", "2"}})->max_jobs, 2);
}

TEST(Options, ADashInANameIsAnUnderscore) {
  const auto options = read({{"tool", "extra-args", "-a"}, {"tool", "extra_args", "-b"}});
  EXPECT_THAT(options->extra_args, ElementsAre("-a", "-b"));
}

TEST(Options, SettingsOfOtherScopesDoNotMatter) {
  EXPECT_EQ(*read({{"other", "skip", "maybe"}}), ToolOptions{});
}

TEST(Options, AnotherKindIsRefusedWithItsPlace) {
  EXPECT_EQ(refusal("skip", "yes"),
            "expected true or false, found 'yes'\n  in the option tool.skip");
  EXPECT_THAT(refusal("max-jobs", "3x"), HasSubstr("expected an integer, found '3x'"));
  EXPECT_THAT(refusal("max-jobs", ""), HasSubstr("expected an integer, found ''"));
  EXPECT_THAT(refusal("max-jobs", "99999999999999999999"), HasSubstr("expected an integer"));
  EXPECT_THAT(refusal("factor", "fast"), HasSubstr("expected a number, found 'fast'"));
  EXPECT_THAT(refusal("output", "color"), HasSubstr("expected plain or colour, found 'color'"));
}

TEST(Options, ANameThatDoesNotExistIsRefusedWithThoseThatDo) {
  const std::string text = refusal("jobs", "3");
  EXPECT_THAT(text, HasSubstr("'jobs'"));
  EXPECT_THAT(text, HasSubstr("skip, max_jobs, factor, path, extra_args, config, output"));
}

TEST(Options, AScopeThatDoesNotExistIsRefusedWithTheNearest) {
  const std::vector<OptionSetting> settings = {{"tool", "skip", "true"}, {"tol", "skip", "true"}};
  const Result<void> checked = check_scopes({&kTool, 1}, settings);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().message(),
            "there is no option tol.skip: no scope 'tol'; did you mean 'tool'?");
  EXPECT_TRUE(check_scopes({&kTool, 1}, {settings.data(), 1}).ok());
}

}  // namespace
}  // namespace kiln::rules
