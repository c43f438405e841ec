#include "client/option_parser.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

struct Parsed {
  bool follow = false;
  std::optional<std::string> name;
  std::vector<std::string> items;
  std::vector<std::string> rest;
};

Result<Parsed> parse(std::vector<std::string> arguments) {
  Parsed parsed;
  OptionParser parser({"kiln test", "[OPTION]... ARG...", "Test.", "", "kiln test x"});
  parser.flag("-f,--follow", parsed.follow, "follow");
  parser.value("--name", "NAME", parsed.name, "a name");
  parser.list("--item", "ITEM", parsed.items, "items");
  parser.positionals(parsed.rest, 0, 2);
  KILN_TRY(parser.parse(std::move(arguments)));
  return parsed;
}

TEST(OptionParser, TakesOptionsAndArgumentsInAnyOrder) {
  const auto parsed = parse({"a", "--item", "1", "-f", "--item=2", "b", "--name", "-x"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_TRUE(parsed->follow);
  EXPECT_EQ(parsed->name, "-x");
  EXPECT_EQ(parsed->items, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(parsed->rest, (std::vector<std::string>{"a", "b"}));
}

TEST(OptionParser, AnOptionTakesOneValueAndLeavesTheNextArgument) {
  EXPECT_EQ(parse({"--item", "1", "a"})->rest, std::vector<std::string>{"a"});
}

TEST(OptionParser, EverythingAfterTwoDashesIsAnArgument) {
  const auto parsed = parse({"-f", "--", "--name", "--"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->rest, (std::vector<std::string>{"--name", "--"}));
  EXPECT_FALSE(parsed->name);
}

TEST(OptionParser, AnEmptyValueIsAValue) {
  EXPECT_EQ(parse({"--name", ""})->name, "");
  EXPECT_EQ(parse({"--name="})->name, "");
}

TEST(OptionParser, SaysWhatIsWrong) {
  EXPECT_NE(parse({"--nam", "x"})
                .error()
                .message()
                .find("unknown option --nam; did you mean "
                      "--name?"),
            std::string::npos);
  EXPECT_NE(parse({"-z"}).error().message().find("unknown option -z"), std::string::npos);
  EXPECT_NE(parse({"a", "b", "c"}).error().message().find("unexpected argument 'c'"),
            std::string::npos);
  const auto starts_with = [](const Result<Parsed>& parsed, std::string_view text) {
    return !parsed.ok() && parsed.error().message().starts_with(text);
  };
  EXPECT_TRUE(starts_with(parse({"--name"}), "test: --name needs a value: --name NAME\n"));
  EXPECT_TRUE(starts_with(parse({"--item"}), "test: --item needs a value: --item ITEM\n"));
  EXPECT_TRUE(starts_with(parse({"--name", "x", "--name=y"}), "test: --name is given twice\n"));
  EXPECT_TRUE(parse({"-f", "-f"}).ok());
  EXPECT_EQ(parse({"--cache-dir", "x"}).error().message(), "test: --cache-dir: not supported yet");
  EXPECT_EQ(parse({"--loop"}).error().message(),
            "test: --loop is for goals, which test is none of");
}

TEST(OptionParser, HelpHasSummaryUsageOptionsAndExample) {
  bool flag = false;
  OptionParser parser({"kiln test", "[-f]", "Test.", "More.", "kiln test -f"});
  parser.flag("-f,--follow", flag, "follow");
  EXPECT_FALSE(*parser.parse({"--help"}));
  EXPECT_EQ(parser.help(),
            "Test.\n\nUsage: kiln test [-f]\n\nMore.\n\nOptions:\n"
            "  -f, --follow                follow\n"
            "  -h, --help                  show this text\n"
            "\nExample:\n  kiln test -f\n");
}

}  // namespace
}  // namespace kiln
