// Options: from what a user set to a typed value.
#include "daemon/rules/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "daemon/rules/rule_set.h"
#include "daemon/rules/values/real.h"

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
  EXPECT_EQ(refusal("skip", "yes"), "--option: tool.skip: expected true or false, found 'yes'");
  EXPECT_THAT(refusal("max-jobs", "3x"), HasSubstr("expected an integer, found '3x'"));
  EXPECT_THAT(refusal("max-jobs", ""), HasSubstr("expected an integer, found ''"));
  EXPECT_THAT(refusal("max-jobs", "99999999999999999999"), HasSubstr("expected an integer"));
  EXPECT_THAT(refusal("factor", "fast"), HasSubstr("expected a number, found 'fast'"));
  EXPECT_THAT(refusal("output", "color"), HasSubstr("expected plain or colour, found 'color'"));
}

TEST(Options, ANameThatDoesNotExistIsRefusedWithTheNearest) {
  EXPECT_EQ(refusal("max-job", "3"),
            "--option: there is no option tool.max_job; did you mean 'max_jobs'?\n"
            "  `kiln help tool` lists those there are");
}

// --- layers ---

OptionSetting file(std::string name, std::string json) {
  return {"tool", std::move(name), std::move(json), OptionLayer::kFile, "kiln.toml:1:1", true};
}
OptionSetting variable(std::string name, std::string text) {
  return {"tool", std::move(name), std::move(text), OptionLayer::kEnvironment, "KILN_TOOL", false};
}

TEST(Options, AStrongerLayerCountsWhereverItStands) {
  EXPECT_EQ(
      read({{"tool", "path", "/flag"}, variable("path", "/env"), file("path", "\"/file\"")})->path,
      "/flag");
  EXPECT_EQ(read({variable("path", "/env"), file("path", "\"/file\"")})->path, "/env");
}

TEST(Options, AListOfAStrongerLayerReplacesAndAddsIfItSaysSo) {
  const OptionSetting base = file("extra_args", R"(["-f", "-g"])");
  EXPECT_THAT(read({base})->extra_args, ElementsAre("-f", "-g"));
  EXPECT_THAT(read({base, variable("extra_args", "-e")})->extra_args, ElementsAre("-e"));
  EXPECT_THAT(read({base, variable("extra_args.add", "-e")})->extra_args,
              ElementsAre("-f", "-g", "-e"));
  EXPECT_THAT(
      read({base, variable("extra_args.add", "-e"), {"tool", "extra_args.add", "-x"}})->extra_args,
      ElementsAre("-f", "-g", "-e", "-x"));
  EXPECT_THAT(
      read({base, variable("extra_args.add", "-e"), {"tool", "extra_args", "-x"}})->extra_args,
      ElementsAre("-x"));
  EXPECT_THAT(
      read({base, {"tool", "extra_args.add", "-x"}, {"tool", "extra_args", "-y"}})->extra_args,
      ElementsAre("-x", "-y"))
      << "one layer is one word: what it sets and what it adds, in its order";
}

TEST(Options, AListMayBeEmptied) {
  EXPECT_THAT(read({file("extra_args", "[\"-f\"]"), {"tool", "extra_args", "[]"}})->extra_args,
              ElementsAre());
}

TEST(Options, SeveralElementsAreAListInJson) {
  EXPECT_THAT(read({{"tool", "extra_args", R"(["a b", "[c]"])"}})->extra_args,
              ElementsAre("a b", "[c]"));
  EXPECT_THAT(refusal("extra_args", "[a"), HasSubstr("expected one element, or a list like"));
}

TEST(Options, ValuesOfAFileSayThemselvesOfWhatKindTheyAre) {
  const auto refused = [](const std::string& name, const std::string& json) {
    return read({file(name, json)}).error().message();
  };
  EXPECT_EQ(refused("skip", "\"true\""),
            "kiln.toml:1:1: tool.skip: expected true or false, found \"true\"");
  EXPECT_THAT(refused("max_jobs", "1.5"), HasSubstr("expected an integer, found 1.5"));
  EXPECT_THAT(refused("extra_args", "\"-a\""), HasSubstr("expected a list, found \"-a\""));
  EXPECT_THAT(refused("extra_args", "[1]"), HasSubstr("expected text, found 1"));
  EXPECT_THAT(refused("skip.add", "[true]"), HasSubstr("it is no list, so nothing can be added"));
  EXPECT_EQ(read({file("factor", "2")})->factor, 2.0);
}

TEST(Options, VariablesAreNamedAfterScopeAndOption) {
  const auto settings = settings_of_variables(
      {&kTool, 1}, {{"KILN_TOOL_EXTRA_ARGS", "-a"}, {"KILN_TOOL_EXTRA_ARGS_ADD", "-b"}});
  ASSERT_TRUE(settings.ok());
  EXPECT_THAT(read(*settings)->extra_args, ElementsAre("-a", "-b"));
  const auto unknown = settings_of_variables({&kTool, 1}, {{"KILN_TOOL_SKIPP", "true"}});
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message(), HasSubstr("did you mean 'KILN_TOOL_SKIP'?"));
  EXPECT_FALSE(settings_of_variables({&kTool, 1}, {{"KILN_TOOL_SKIP_ADD", "true"}}).ok());
}

TEST(Options, AReportSaysWhereEachValueComesFrom) {
  const std::vector<OptionSetting> settings = {file("extra_args", "[\"-f\"]"),
                                               file("max_jobs", "2"),
                                               variable("extra_args.add", "-e"),
                                               {"tool", "max-jobs", "3"}};
  const auto reports = report_options(kTool, settings);
  ASSERT_TRUE(reports.ok());
  const auto of = [&](std::string_view name) {
    return *std::find_if(reports->begin(), reports->end(),
                         [name](const OptionReport& report) { return report.name == name; });
  };
  EXPECT_EQ(of("extra_args").value, R"(["-f","-e"])");
  EXPECT_THAT(of("extra_args").origins, ElementsAre("kiln.toml:1:1", "KILN_TOOL"));
  EXPECT_EQ(of("max_jobs").initial, "4");
  EXPECT_EQ(of("max_jobs").value, "3");
  EXPECT_THAT(of("max_jobs").origins, ElementsAre("--option"));
  EXPECT_THAT(of("skip").origins, ElementsAre());
}

TEST(Options, AScopeThatDoesNotExistIsRefusedWithTheNearest) {
  const std::vector<OptionSetting> settings = {{"tool", "skip", "true"}, {"tol", "skip", "true"}};
  const Result<void> checked = check_scopes({&kTool, 1}, settings);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().message(),
            "--option: there is no option tol.skip: no scope 'tol'; did you mean 'tool'?\n"
            "  `kiln help` lists the scopes");
  EXPECT_TRUE(check_scopes({&kTool, 1}, {settings.data(), 1}).ok());
}

}  // namespace
}  // namespace kiln::rules
