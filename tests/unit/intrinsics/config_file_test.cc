// What a kiln.toml sets, and what is wrong with one.
#include "daemon/intrinsics/files/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::intrinsics {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// "scope.name=json @origin"
std::vector<std::string> parsed(std::string_view text) {
  const auto settings = parse_config(text);
  if (!settings.ok()) return {settings.error().message()};
  std::vector<std::string> lines;
  for (const rules::OptionSetting& setting : *settings) {
    EXPECT_TRUE(setting.json);
    EXPECT_EQ(setting.layer, rules::OptionLayer::kFile);
    lines.push_back(setting.scope + "." + setting.name + "=" + setting.value + " @" +
                    setting.origin);
  }
  return lines;
}

TEST(ConfigFile, HasATableForEachScope) {
  EXPECT_THAT(
      parsed("# all of them\n[b]\nz = true\na = [\"x\", \"y\"]\n\n[a]\n  n = -3\n"
             "f = 0.5\ns = 'it'\n"),
      ElementsAre("b.z=true @kiln.toml:3:1", "b.a=[\"x\",\"y\"] @kiln.toml:4:1",
                  "a.n=-3 @kiln.toml:7:3", "a.f=0.5 @kiln.toml:8:1", "a.s=\"it\" @kiln.toml:9:1"));
  EXPECT_THAT(parsed("a.n = 1\na.m = 2\n"),
              ElementsAre("a.n=1 @kiln.toml:1:3", "a.m=2 @kiln.toml:2:3"));
  EXPECT_THAT(parsed(""), ElementsAre());
  EXPECT_THAT(parsed("[a]\n"), ElementsAre());
}

TEST(ConfigFile, AddsToLists) {
  EXPECT_THAT(parsed("[a]\nargs.add = [\"x\"]\n"),
              ElementsAre("a.args.add=[\"x\"] @kiln.toml:2:1"));
  EXPECT_THAT(parsed("[a]\nargs.add = \"x\"\n"),
              ElementsAre(StartsWith("kiln.toml:2:12: what is added to a list is a list")));
}

TEST(ConfigFile, ThatIsNoTomlIsRefusedWithItsPlace) {
  EXPECT_THAT(parsed("[a]\nx = \n"), ElementsAre(StartsWith("kiln.toml:2:5: no TOML: ")));
  EXPECT_THAT(parsed("[a]\nx = 1\nx = 2\n"), ElementsAre(HasSubstr("cannot redefine")));
  EXPECT_THAT(parsed("\xff = 1\n"), ElementsAre(StartsWith("kiln.toml:1:1: no TOML: ")));
}

TEST(ConfigFile, ThatSaysMoreThanScopesAndValuesIsRefused) {
  EXPECT_THAT(parsed("x = 1\n"), ElementsAre(StartsWith("kiln.toml:1:1: 'x' stands in no scope")));
  EXPECT_THAT(parsed("[a.b]\nx = 1\n"), ElementsAre(HasSubstr("'a.b' is given as a table")));
  EXPECT_THAT(parsed("[a]\nx = [{y = 1}]\n"),
              ElementsAre(HasSubstr("a table where a value belongs")));
  EXPECT_THAT(parsed("[a]\nx = 1979-05-27\n"), ElementsAre(HasSubstr("dates and times")));
  EXPECT_THAT(parsed("[[a]]\nx = 1\n"), ElementsAre(HasSubstr("stands in no scope")));
}

}  // namespace
}  // namespace kiln::intrinsics
