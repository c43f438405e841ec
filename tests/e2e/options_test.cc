// Options: defaults, kiln.toml, the environment, the command line; what an edit of kiln.toml makes
// run again; and what help says of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;

class Options : public KilnTest {
 protected:
  Options() {
    write("a.sh", "#!/bin/sh\nls $1\nx=1\n");  // SC2086 and SC2034
    write("b.sh", "#!/bin/sh\n");
  }
  // At once: a file that is written in place is empty for a moment.
  void configure(const std::string& toml) {
    write("kiln.new", toml);
    fs::rename(workspace() / "kiln.new", workspace() / "kiln.toml");
  }
  // The codes that a lint finds.
  std::string found(Arguments options = {}) {
    options.insert(options.begin(), {"lint", "a.sh", "b.sh"});
    const Outcome outcome = kiln(options);
    std::string codes;
    for (const std::string_view code : {"SC2086", "SC2034"}) {
      if (outcome.out.find(code) != std::string::npos) codes += std::string(code) + " ";
    }
    return outcome.exit_code == 2 ? outcome.err : codes;
  }
  std::string refusal(const std::string& toml) {
    configure(toml);
    const Outcome outcome = kiln({"lint", "::"});
    EXPECT_EQ(outcome.exit_code, 2) << toml << outcome.err;
    return outcome.err;
  }
  int64_t ran_by(const std::string& toml) {
    const int64_t before = counter("process.ran");
    configure(toml);
    kiln({"lint", "::"});
    return counter("process.ran") - before;
  }
};

TEST_F(Options, EachLayerCountsMoreThanTheOneBefore) {
  EXPECT_EQ(found(), "SC2086 SC2034 ");
  configure("[shellcheck]\nargs = [\"--exclude=SC2086\"]\n");
  EXPECT_EQ(found(), "SC2034 ");
  environment()["KILN_SHELLCHECK_ARGS"] = "--exclude=SC2034";
  EXPECT_EQ(found(), "SC2086 ");
  EXPECT_EQ(found({"--option", "shellcheck.args=--severity=error"}), "");
  environment().erase("KILN_SHELLCHECK_ARGS");
  EXPECT_EQ(found(), "SC2034 ");
  fs::remove(workspace() / "kiln.toml");
  EXPECT_EQ(found(), "SC2086 SC2034 ");
}

TEST_F(Options, ListsCanBeAddedToInEachLayer) {
  configure("[shellcheck]\nargs.add = [\"--exclude=SC2086\"]\n");
  environment()["KILN_SHELLCHECK_ARGS_ADD"] = "--norc";
  EXPECT_EQ(found(), "SC2034 ");
  EXPECT_EQ(found({"--option", "shellcheck.args.add=--exclude=SC2034"}), "");
  EXPECT_EQ(found({"--option", R"(shellcheck.args=["--norc", "--exclude=SC2034"])"}), "SC2086 ");
  environment()["KILN_SHELLCHECK_ARGS"] = R"(["--exclude=SC2034", "--exclude=SC2086"])";
  EXPECT_EQ(found(), "");
}

TEST_F(Options, AnEditOfTheFileRunsOnlyWhatConsumesIt) {
  ASSERT_EQ(kiln({"daemon", "start"}).exit_code, 0);
  EXPECT_EQ(ran_by(""), 2);
  EXPECT_EQ(ran_by("# a remark\n[lint]\nonly = [\"shellcheck\"]\n"), 0);
  EXPECT_EQ(ran_by("[shellcheck]\nargs = [\"--exclude=SC2086\"]\n"), 2);
  EXPECT_EQ(ran_by(""), 0) << "undone";
  // Somebody who says the same in other words shares it all.
  const int64_t before = counter("process.ran");
  EXPECT_EQ(found({"--option", "shellcheck.args=--exclude=SC2086"}), "SC2034 ");
  EXPECT_EQ(counter("process.ran"), before);
}

TEST_F(Options, ALoopHearsOfTheFile) {
  Command loop = start({"lint", "--loop", "::"});
  ASSERT_TRUE(loop.read_error_until("2 findings in 2 files"));
  configure("[shellcheck]\nargs = [\"--exclude=SC2086\"]\n");
  ASSERT_TRUE(loop.read_error_until("1 finding in 2 files"));
  configure("[shellcheck]\nargs = 1\n");
  ASSERT_TRUE(loop.read_error_until("kiln.toml:2:1: shellcheck.args: expected a list, found 1"));
  configure("[shellcheck]\nskip = true\n");
  ASSERT_TRUE(loop.read_error_until("shellcheck skipped"));
  loop.signal(SIGINT);
  EXPECT_EQ(loop.wait().exit_code, 130);
}

TEST_F(Options, WhatIsWrongWithTheFileIsSaidWithItsPlace) {
  EXPECT_THAT(refusal("[shellcheck]\nskip = \"true\"\n"),
              HasSubstr("kiln.toml:2:1: shellcheck.skip: expected true or false, found \"true\""));
  EXPECT_THAT(refusal("[shellcheck]\nskup = true\n"),
              AllOf(HasSubstr("kiln.toml:2:1: there is no option shellcheck.skup; did you mean "
                              "'skip'?"),
                    HasSubstr("`kiln help shellcheck`")));
  EXPECT_THAT(refusal("[shelcheck]\nskip = true\n"), HasSubstr("did you mean 'shellcheck'?"));
  EXPECT_THAT(refusal("[shellcheck\n"), HasSubstr("kiln.toml:1:12: no TOML: "));
  EXPECT_THAT(refusal("skip = true\n"), HasSubstr("kiln.toml:1:1: 'skip' stands in no scope"));
  EXPECT_THAT(refusal("[shellcheck]\nskip.add = [true]\n"), HasSubstr("it is no list"));
  EXPECT_THAT(refusal("[lint]\nonly = [\"black\"]\n"), HasSubstr("there is no linter 'black'"));
  fs::remove(workspace() / "kiln.toml");
  fs::create_directory(workspace() / "kiln.toml");
  EXPECT_THAT(kiln({"list", "::"}).err, HasSubstr("kiln.toml is a directory"));
  fs::remove(workspace() / "kiln.toml");
  ASSERT_EQ(::mkfifo((workspace() / "kiln.toml").c_str(), 0600), 0);
  EXPECT_THAT(kiln({"list", "::"}).err, HasSubstr("kiln.toml is a device, a socket or a pipe"));
}

TEST_F(Options, AFileThatIsALinkToNothingIsABrokenOne) {
  write("src/a.txt", "1");
  fs::create_symlink("conf/kiln.toml", workspace() / "kiln.toml");
  for (const fs::path& directory : {workspace(), workspace() / "src"}) {
    const Outcome outcome = kiln_in(directory, {"list", "::"});
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_THAT(outcome.err,
                HasSubstr("kiln.toml is a symlink to conf/kiln.toml, where no file is"));
  }
  write("conf/kiln.toml", "");
  EXPECT_EQ(kiln({"list", "::"}).exit_code, 0) << "its coming is noticed";
  fs::remove(workspace() / "conf/kiln.toml");
  EXPECT_NE(kiln({"list", "::"}).exit_code, 0) << "and so is its going";
}

TEST_F(Options, TheFileCountsThoughGitIgnoresItAndThroughALinkInsideTheWorkspace) {
  write(".gitignore", "kiln.toml\nconf\n");
  write("conf/k.toml", "[shellcheck]\nargs = [\"--exclude=SC2086\"]\n");
  fs::create_symlink("conf/k.toml", workspace() / "kiln.toml");
  EXPECT_EQ(found(), "SC2034 ");
  write("conf/k.toml", "");
  EXPECT_EQ(found(), "SC2086 SC2034 ");
  fs::remove(workspace() / "kiln.toml");
  fs::create_symlink("/etc/hostname", workspace() / "kiln.toml");
  EXPECT_THAT(found(), HasSubstr("leads out of the workspace"));
}

TEST_F(Options, AVariableThatSetsNothingIsRefusedWithTheNearest) {
  environment()["KILN_SHELCHECK_SKIP"] = "true";
  EXPECT_THAT(found(), HasSubstr("KILN_SHELCHECK_SKIP sets no option; did you mean "
                                 "'KILN_SHELLCHECK_SKIP'?"));
  environment().erase("KILN_SHELCHECK_SKIP");
  environment()["KILN_SHELLCHECK_SKIP"] = "maybe";
  EXPECT_THAT(found(), HasSubstr("KILN_SHELLCHECK_SKIP: shellcheck.skip: expected true or false"));
  EXPECT_EQ(kiln({"exec", "--", "true"}).exit_code, 2) << "keys of processes take options too";
}

TEST_F(Options, HelpOfAScopeSaysWhatIsSetAndWhere) {
  configure("[shellcheck]\nargs = [\"-x\"]\n");
  environment()["KILN_SHELLCHECK_ARGS_ADD"] = "--norc";
  const Outcome help = kiln({"help", "shellcheck", "--option", "shellcheck.skip=true"});
  EXPECT_EQ(help.exit_code, 0) << help.err;
  EXPECT_THAT(help.out,
              HasSubstr("  shellcheck.args=ELEMENT\n"
                        "      more arguments for it, such as --exclude=SC2086; -x finds no other "
                        "scripts\n"
                        "      default: []\n"
                        "      now:     [\"-x\",\"--norc\"], from kiln.toml:2:1, "
                        "KILN_SHELLCHECK_ARGS_ADD\n"));
  EXPECT_THAT(help.out, HasSubstr("now:     true, from --option\n"));
  const auto json = kiln_json({"help", "shellcheck", "--json"});
  const auto& args = json["scopes"][0]["options"][1];
  EXPECT_EQ(args["name"], "args");
  EXPECT_EQ(args["default"], nlohmann::json::array());
  EXPECT_EQ(args["value"], (nlohmann::json{"-x", "--norc"}));
  EXPECT_EQ(args["origins"], (nlohmann::json{"kiln.toml:2:1", "KILN_SHELLCHECK_ARGS_ADD"}));
  EXPECT_THAT(kiln({"lint", "--help"}).out,
              AllOf(HasSubstr("lint.only=ELEMENT"), HasSubstr("now:     [\"-x\",\"--norc\"]")));
  configure("[shellcheck\n");
  const Outcome broken = kiln({"lint", "--help"});
  EXPECT_EQ(broken.exit_code, 0);
  EXPECT_THAT(broken.out, HasSubstr("cannot be shown: kiln.toml:1:12"));
}

TEST_F(Options, HelpOfAGoalIsDataToo) {
  configure("[shellcheck]\nargs = ['-x']\n");
  for (const Arguments& asked : {Arguments{"help", "lint", "--json"}, {"lint", "-h", "--json"}}) {
    const auto help = kiln_json(asked);
    EXPECT_EQ(help["name"], "lint");
    EXPECT_EQ(help["summary"], "Run linters over the files that specs match.");
    EXPECT_EQ(help["usage"], "kiln lint [GOAL]... [OPTION]... [SPEC]...");
    EXPECT_EQ(help["options"][0]["names"], nlohmann::json{"--loop"});
    EXPECT_EQ(help["exit_codes"][1]["meaning"], "the answer is no, as when lint finds something");
    ASSERT_EQ(help["scopes"].size(), 5u) << help;
    std::map<std::string, nlohmann::json> scopes;
    for (const auto& scope : help["scopes"]) scopes.emplace(scope["scope"], scope["options"]);
    EXPECT_TRUE(scopes.contains("GLOBAL") && scopes.contains("lint") && scopes.contains("host"))
        << help;
    const auto& args = scopes["shellcheck"][1];
    EXPECT_EQ(args["name"], "args");
    EXPECT_EQ(args["kind"], "list");
    EXPECT_EQ(args["default"], nlohmann::json::array());
    EXPECT_EQ(args["value"], nlohmann::json{"-x"});
    EXPECT_EQ(args["origins"], nlohmann::json{"kiln.toml:2:1"});
  }
  EXPECT_EQ(kiln_json({"help", "list", "--json"})["scopes"].size(), 1u) << "GLOBAL";
  configure("[shellcheck\n");
  const Outcome broken = kiln({"help", "lint", "--json"});
  EXPECT_EQ(broken.exit_code, 2);
  EXPECT_THAT(nlohmann::json::parse(broken.out)["error"]["message"].get<std::string>(),
              HasSubstr("kiln.toml:1:12"));
}

TEST_F(Options, WhatIsIgnoredIsOneForAllCommands) {
  write("own/a.txt", "a");
  write("dist/b.txt", "b");
  const auto both = [this] {
    return kiln({"list", "own::", "dist::"}).out + "|" + kiln({"paths", "*/*.txt"}).out + "|" +
           kiln({"exec", "--input", "**/*.txt", "--", "ls"}).out;
  };
  configure("[GLOBAL]\nignore = ['/own/']\n");
  EXPECT_EQ(kiln({"list", "dist::"}).out, "dist/b.txt\n");
  EXPECT_EQ(kiln({"paths", "*/*.txt"}).out, "dist/b.txt\n");
  EXPECT_EQ(kiln({"exec", "--input", "**/*.txt", "--", "ls"}).out, "dist\n");
  EXPECT_EQ(kiln({"paths", "--option", "GLOBAL.ignore=/dist/", "*/*.txt"}).out, "own/a.txt\n");
  environment()["KILN_GLOBAL_IGNORE"] = "[]";
  EXPECT_EQ(both(), "dist/b.txt\nown/a.txt\n|dist/b.txt\nown/a.txt\n|dist\nown\n");
  environment().erase("KILN_GLOBAL_IGNORE");
  EXPECT_EQ(kiln({"paths", "--no-ignore", "*/*.txt"}).out, "dist/b.txt\nown/a.txt\n");
  EXPECT_EQ(kiln({"exec", "--no-ignore", "--input", "**/*.txt", "--", "ls"}).out, "dist\nown\n");
  EXPECT_EQ(kiln({"exec", "--input", "own/a.txt", "--", "ls"}).out, "own\n") << "it is named";
}

TEST_F(Options, EachOptionThatThereIsSaysWhatItIsFor) {
  const auto options = kiln_json({"help", "shellcheck", "--json"})["scopes"][0]["options"];
  EXPECT_EQ(options.size(), 3u);
  for (const auto& option : options) EXPECT_NE(option["help"], "") << option["name"];
  EXPECT_THAT(kiln({"help", "lint"}).out,
              HasSubstr("  lint.only=ELEMENT\n      run these linters and no others"));
}

TEST_F(Options, AWordThatWasMistypedStartsNoDaemon) {
  const Outcome typo = kiln({"lnit", "::"});
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.err, HasSubstr("unknown command 'lnit'; did you mean lint?"));
  EXPECT_THAT(kiln({"shellcheck"}).err, HasSubstr("no command but a scope of options"));
  EXPECT_THAT(kiln({"--help"}).out, HasSubstr("  shellcheck            How ShellCheck is run\n"));
  EXPECT_THAT(kiln({"daemon", "status"}).err, HasSubstr("no daemon runs"));
}

}  // namespace
}  // namespace kiln::test
