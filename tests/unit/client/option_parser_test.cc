#include "client/option_parser.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
  EXPECT_EQ(parse({"--concurrency", "x"}).error().message(),
            "test: --concurrency: not supported yet");
  EXPECT_EQ(parse({"--loop"}).error().message(),
            "test: --loop is for goals, which test is none of");
}

TEST(OptionParser, AChoiceIsOneOfItsWordsOrWhatHoldsWithoutOne) {
  const auto chosen = [](std::vector<std::string> arguments) -> Result<Chosen<int>> {
    Chosen<int> count = {2};
    OptionParser parser({"kiln test", "", "Test.", "", ""});
    parser.choice<int>("--count", "COUNT", count, {{"one", 1}, {"two", 2}}, "{choices}");
    KILN_TRY(parser.parse(std::move(arguments)));
    return count;
  };
  EXPECT_EQ(chosen({})->value, 2);
  EXPECT_FALSE(chosen({})->given);
  EXPECT_EQ(chosen({"--count=one"})->value, 1);
  EXPECT_TRUE(chosen({"--count", "two"})->given);
  EXPECT_EQ(chosen({"--count", "tow"}).error().message(),
            "--count 'tow' is none of one, two; did you mean two?");
}

TEST(OptionParser, HelpIsGivenOfWhateverTheValuesAre) {
  std::optional<std::string> root;
  Chosen<int> count = {2};
  OptionParser parser({"kiln test", "", "Test.", "", ""});
  parser.value("--root", "DIR", root, "where");
  parser.choice<int>("--count", "COUNT", count, {{"one", 1}, {"two", 2}}, "{choices}");
  const auto go = parser.parse({"--help", "--count=tow", "--count=two", "--root", "/x"});
  ASSERT_TRUE(go.ok()) << go.error().message();
  EXPECT_FALSE(*go);
  EXPECT_EQ(root, "/x") << "which there are may depend on it";
}

class Help : public testing::Test {
 protected:
  CommandHelp help() {
    OptionParser parser({"kiln test",
                         "[-f] FILE",
                         "Test.",
                         "More.",
                         "kiln test -f\nkiln test",
                         {kDone, {"7", "a seven"}}});
    parser.flag("-f,--follow", flag_, "follow");
    parser.begin_group("Finer points");
    parser.list("--item", "ITEM", items_, "items,\nmany");
    parser.choice<int>("--count", "COUNT", count_, {{"one", 1}, {"two", 2}, {"many", 3}},
                       "how many: {choices}");
    EXPECT_FALSE(*parser.parse({"--help"}));
    return parser.help();
  }

 private:
  bool flag_ = false;
  std::vector<std::string> items_;
  Chosen<int> count_ = {2};
};

TEST_F(Help, IsSummaryUsageOptionsExitCodesAndExample) {
  EXPECT_EQ(as_text(help()),
            "Test.\n\nUsage: kiln test [-f] FILE\n\nMore.\n"
            "\nOptions:\n"
            "  -f, --follow                follow\n"
            "\nFiner points:\n"
            "  --item ITEM                 items,\n"
            "                              many\n"
            "  --count COUNT               how many: one, two (default) or many\n"
            "  -h, --help                  show this text\n"
            "\nExit codes:\n"
            "  0      done\n"
            "  7      a seven\n"
            "\nExample:\n  kiln test -f\n  kiln test\n");
}

TEST_F(Help, IsTheSameAsData) {
  const auto json = as_json(help());
  EXPECT_EQ(json["name"], "test");
  EXPECT_EQ(json["usage"], "kiln test [-f] FILE");
  EXPECT_EQ(json["summary"], "Test.");
  EXPECT_EQ(json["details"], "More.");
  EXPECT_EQ(json["example"], "kiln test -f\nkiln test");
  EXPECT_EQ(json["exit_codes"].dump(),
            R"([{"code":"0","meaning":"done"},{"code":"7","meaning":"a seven"}])");
  ASSERT_EQ(json["options"].size(), 4u);
  EXPECT_EQ(json["options"][0].dump(),
            R"({"names":["-f","--follow"],"value":null,"repeatable":false,"choices":[],)"
            R"("default":null,"help":"follow","group":"Options"})");
  EXPECT_EQ(json["options"][1].dump(),
            R"({"names":["--item"],"value":"ITEM","repeatable":true,"choices":[],)"
            R"("default":null,"help":"items, many","group":"Finer points"})");
  EXPECT_EQ(json["options"][2].dump(),
            R"({"names":["--count"],"value":"COUNT","repeatable":false,)"
            R"("choices":["one","two","many"],"default":"two",)"
            R"("help":"how many: one, two (default) or many","group":"Finer points"})");
}

}  // namespace
}  // namespace kiln
