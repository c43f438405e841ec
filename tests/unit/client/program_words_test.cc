// The words of a command line: commands, goals of the daemon, and what help says of them.
#include <nlohmann/json.hpp>

#include "tests/unit/client/program_fixture.h"

namespace kiln {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using ProgramWords = ProgramTest;

TEST_F(ProgramWords, AWordThatIsNoCommandMayBeAGoalOfTheDaemon) {
  const Ended greet = kiln("greet greet list ./greet a.sh -b.sh");
  EXPECT_EQ(greet.code, 0) << greet.err;
  EXPECT_EQ(greet.out,
            "goal greet\ngoal greet\ngoal list\nspec sub/greet\nspec sub/a.sh\nspec -sub/b.sh\n");
  EXPECT_THAT(kiln("list greet ::").out, HasSubstr("goal greet\nspec ::\n"));
  std::system(("touch " + dir_ + "/ws/sub/greet").c_str());
  EXPECT_THAT(kiln("list greet").out, HasSubstr("goal list\nspec sub/greet\n"))
      << "after a goal, what is there as a file is a file";
}

TEST_F(ProgramWords, AWordThatIsNeitherIsAnsweredByTheNearestOfBoth) {
  const std::pair<std::string, std::string> cases[] = {
      {"exce -- true", "unknown command 'exce'; did you mean exec?"},
      {"gret", "unknown command 'gret'; did you mean greet?"},
      {"gret --help", "unknown command 'gret'; did you mean greet?"},
      {"help polte", "unknown command 'polte'; did you mean polite?"},
      {"attach", "kiln: attach: not supported yet"},
      {"fmt ::", "kiln: fmt: not supported yet"}};
  for (const auto& [arguments, message] : cases) {
    const Ended ended = kiln(arguments);
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(message)) << arguments;
  }
  EXPECT_EQ(starts(), 0u) << "none of them needs a daemon";
  EXPECT_THAT(kiln("polite").err, HasSubstr("'polite' is no command but a scope of options"));
  set("FAKE_KILND_MODE", "broken");
  EXPECT_THAT(kiln("exce").err, HasSubstr("while asking whether 'exce' is a goal"));
}

TEST_F(ProgramWords, HelpHasWhatTheDaemonsRulesAdd) {
  EXPECT_THAT(kiln("--help").out, HasSubstr("  greet                 Greets everybody\n"));
  EXPECT_THAT(kiln("--help").out,
              HasSubstr("Scopes of options (kiln help SCOPE):\n  polite                How\n"));
  EXPECT_EQ(starts(), 0u) << "for help alone, none is started";
  kiln("daemon start");
  const std::string help = kiln("--help").out;
  EXPECT_THAT(
      help, HasSubstr("Goals of the daemon's rules:\n  greet                 Greets everybody\n"));
  EXPECT_THAT(help, testing::Not(HasSubstr("Run linters.")));
  const Ended greet = kiln("greet --help");
  EXPECT_EQ(greet.code, 0) << greet.err;
  EXPECT_THAT(greet.out, StartsWith("Greets everybody.\n\nUsage: kiln greet "));
}

TEST_F(ProgramWords, HelpIsEverywhereAndGoesToStdout) {
  for (const char* arguments :
       {"--help", "help", "help exec", "exec --help", "digest --help", "digest cat -h",
        "daemon status --help", "paths --help", "help digest create", "--version"}) {
    const Ended ended = kiln(arguments);
    EXPECT_EQ(ended.code, 0) << arguments << ended.err;
    EXPECT_GT(ended.out.size(), 5u) << arguments;
    EXPECT_EQ(ended.err, "") << arguments;
    EXPECT_EQ(ended.out.find('\x1b'), std::string::npos) << arguments;
  }
  EXPECT_EQ(starts(), 0u);
}

TEST_F(ProgramWords, HelpOfEveryCommandIsDataThatSaysWhatItsTextSays) {
  const auto parsed = [this](const std::string& arguments) {
    const Ended ended = kiln(arguments);
    EXPECT_EQ(ended.code, 0) << arguments << ended.err;
    return nlohmann::json::parse(ended.out);
  };
  const auto commands = parsed("help --json")["commands"];
  ASSERT_GT(commands.size(), 20u);
  for (const auto& command : commands) {
    const auto name = command["name"].get<std::string>();
    if (name == "list" || name == "lint") continue;  // goals: what else can be set, a daemon says
    const auto help = parsed("help " + name + " --json");
    EXPECT_EQ(help["name"], name);
    const std::string text = kiln("help " + name).out;
    EXPECT_THAT(text, StartsWith(help["summary"].get<std::string>() +
                                 "\n\nUsage: " + help["usage"].get<std::string>() + "\n"));
    EXPECT_THAT(text, HasSubstr(help["details"].get<std::string>()));
    size_t rows = 0;
    for (const auto& option : help["options"]) {
      rows += text.find(option["names"].back().get<std::string>()) != std::string::npos;
      EXPECT_NE(option["help"], "") << name << option;
    }
    EXPECT_GE(rows, 7u) << name << ": the global options at least";
    EXPECT_EQ(rows, help["options"].size()) << name;
    for (const auto& exit : help["exit_codes"]) {
      EXPECT_THAT(text, HasSubstr(exit["meaning"].get<std::string>())) << name;
    }
  }
  EXPECT_EQ(starts(), 0u);
}

TEST_F(ProgramWords, TheOverviewsAreDataToo) {
  const auto whole = nlohmann::json::parse(kiln("--help --json").out);
  EXPECT_EQ(whole["name"], "kiln");
  EXPECT_EQ(whole["goals"].dump(), R"([{"name":"greet","summary":"Greets everybody"}])");
  EXPECT_EQ(whole["scopes"].dump(), R"([{"name":"polite","summary":"How"}])");
  EXPECT_EQ(whole["environment"][0]["name"], "KILN_HOME");
  EXPECT_EQ(whole["exit_codes"][2].dump(), R"({"code":"2","meaning":"the command line is wrong"})");
  const auto family = nlohmann::json::parse(kiln("help daemon --json").out);
  EXPECT_EQ(family["usage"], "kiln daemon COMMAND [OPTION]...");
  EXPECT_EQ(family["commands"].size(), 6u);
  EXPECT_EQ(family["commands"][0].dump(),
            R"({"name":"daemon start","summary":"Start the daemon, if it does not run"})");
}

}  // namespace
}  // namespace kiln
