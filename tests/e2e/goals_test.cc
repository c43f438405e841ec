// kiln lint and kiln list: what ran, and why, over real scripts with the real ShellCheck.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Goals : public KilnTest {
 protected:
  Goals() {
    write("bin/clean.sh", "#!/bin/sh\nls \"$1\"\n");
    write("bin/sloppy.sh", "#!/bin/sh\nls $1\n");
    write("bin/tool", "#!/usr/bin/env bash\necho $2\n");
    write("bin/readme.txt", "#!/bin/sh\necho $1\n");
    write("notes", "no script\n");
    EXPECT_EQ(kiln({"daemon", "start"}).exit_code, 0);
  }
  // How many processes `command` made run.
  int64_t ran_by(const Arguments& command, int exit_code) {
    const int64_t before = counter("process.ran");
    EXPECT_EQ(kiln(command).exit_code, exit_code);
    return counter("process.ran") - before;
  }
};

TEST_F(Goals, ListPrintsWhatSpecsMatch) {
  EXPECT_EQ(kiln({"list", "::"}).out,
            "bin/clean.sh\nbin/readme.txt\nbin/sloppy.sh\nbin/tool\nnotes\n");
  EXPECT_EQ(kiln({"list", "bin/*.sh", "notes"}).out, "bin/clean.sh\nbin/sloppy.sh\nnotes\n");
  EXPECT_EQ(kiln({"list", "bin"}).out, kiln({"list", "bin:"}).out);
  EXPECT_EQ(kiln({"list", "bin::", "-bin/*.sh"}).out, "bin/readme.txt\nbin/tool\n");
  EXPECT_EQ(kiln({"list", "--json", "notes"}).out, R"({"files":["notes"],"warnings":[]})"
                                                   "\n");
}

TEST_F(Goals, ASpecThatMatchesNothingNamesTheNearest) {
  const Outcome outcome = kiln({"list", "bin/sloppi.sh"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("'bin/sloppi.sh' matches no file"),
                                 HasSubstr("did you mean bin/sloppy.sh")));
}

TEST_F(Goals, FileNamesThatLookLikeGlobsAreFiles) {
  write("odd/[a]*.sh", "#!/bin/sh\nls $1\n");
  EXPECT_EQ(kiln({"list", "odd::"}).out, "odd/[a]*.sh\n");
  const Outcome lint = kiln({"lint", "odd::"});
  EXPECT_EQ(lint.exit_code, 1) << lint.err;
  EXPECT_THAT(lint.out, HasSubstr("odd/[a]*.sh:2:4"));
}

TEST_F(Goals, LintSaysWhatItFoundAndTheAnswerIsNo) {
  const Outcome outcome = kiln({"lint", "::"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("bin/sloppy.sh:2:4: info: Double quote"),
                                 HasSubstr("bin/tool:2:6: info:"), HasSubstr("[SC2086]"),
                                 Not(HasSubstr("clean.sh")), Not(HasSubstr("readme.txt"))));
  EXPECT_THAT(outcome.err, HasSubstr("shellcheck: 2 findings in 3 files"));
  EXPECT_EQ(kiln({"lint", "bin/clean.sh"}).exit_code, 0);
}

TEST_F(Goals, LintAsJsonHasALineForEachTool) {
  const auto document = nlohmann::json::parse(kiln({"lint", "--json", "bin/sloppy.sh"}).out);
  EXPECT_EQ(document["tool"], "shellcheck");
  EXPECT_EQ(document["results"][0]["file"], "bin/sloppy.sh");
  EXPECT_EQ(document["results"][0]["findings"][0]["code"], "SC2086");
  EXPECT_EQ(document["results"][0]["findings"][0]["line"], 2);
}

TEST_F(Goals, OnlyWhatChangedIsLintedAgain) {
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 3);
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 0);
  write("bin/clean.sh", "#!/bin/sh\nls \"$1\" # edited\n");
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 1);
  write("bin/clean.sh", "#!/bin/sh\nls \"$1\"\n");
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 0) << "both states are kept";
  write("notes", "edited, and no script\n");
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 0);
  write("bin/more.sh", "#!/bin/sh\nls $1\n");
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 1);
}

TEST_F(Goals, TheConfigurationIsAnInputOfEveryScript) {
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 3);
  write(".shellcheckrc", "disable=SC2086\n");
  EXPECT_EQ(ran_by({"lint", "::"}, 0), 3);
  std::filesystem::remove(workspace() / ".shellcheckrc");
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 0);
  write("bin/.shellcheckrc", "disable=SC2086\n");
  EXPECT_EQ(ran_by({"lint", "bin/sloppy.sh"}, 0), 1);
}

TEST_F(Goals, ARestartedDaemonLintsNothingAgain) {
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 3);
  const Outcome before = kiln({"lint", "::"});
  stop_daemon();
  const Outcome after = kiln({"lint", "::"});
  EXPECT_EQ(after.out, before.out);
  EXPECT_EQ(counter("process.ran"), 0);
}

TEST_F(Goals, ClientsWithOtherOptionsShareWhatTheyDoNotConsume) {
  const Arguments strict = {"lint", "::", "--option", "shellcheck.args=--severity=error"};
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 3);
  EXPECT_EQ(ran_by(strict, 0), 3);
  // And back and forth: nothing runs, and nothing is even looked at again.
  const int64_t hashed = counter("fs.files_hashed");
  EXPECT_EQ(ran_by({"lint", "::"}, 1), 0);
  EXPECT_EQ(ran_by(strict, 0), 0);
  EXPECT_EQ(counter("fs.files_hashed"), hashed);
}

TEST_F(Goals, SeveralGoalsRunInOrderUntilOneSaysNo) {
  const Outcome both = kiln({"list", "lint", "bin/clean.sh"});
  EXPECT_EQ(both.exit_code, 0);
  EXPECT_EQ(both.out, "bin/clean.sh\n");
  EXPECT_THAT(both.err, HasSubstr("shellcheck: 0 findings in 1 file."));
  const Outcome stopped = kiln({"lint", "list", "bin/sloppy.sh"});
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.out, Not(HasSubstr("bin/sloppy.sh\n")));
}

TEST_F(Goals, WrongOptionsAreRefusedWithTheNearest) {
  EXPECT_THAT(kiln({"lint", "::", "--option", "shelcheck.skip=true"}).err,
              HasSubstr("did you mean 'shellcheck'?"));
  EXPECT_THAT(kiln({"lint", "::", "--option", "shellcheck.skip=maybe"}).err,
              HasSubstr("expected true or false, found 'maybe'"));
  EXPECT_THAT(kiln({"lint", "::", "--option", "shellcheck.skup=true"}).err,
              HasSubstr("there is no option shellcheck.skup; did you mean 'skip'?"));
  EXPECT_THAT(kiln({"lint", "::", "--option", "nonsense"}).err, HasSubstr("SCOPE.NAME=VALUE"));
  EXPECT_THAT(kiln({"lint", "::", "--option", "lint.only=black"}).err,
              HasSubstr("there is no linter 'black'; there is shellcheck"));
  EXPECT_EQ(kiln({"lint", "::", "--option", "lint.only=black"}).exit_code, 2);
  EXPECT_EQ(ran_by({"lint", "::", "--option", "shellcheck.skip=true"}, 0), 0);
}

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_F(Goals, ALoopRunsAgainWhenAndOnlyWhenSomethingThatItReadChanges) {
  Command loop = start({"lint", "--loop", "bin::"});
  ASSERT_TRUE(loop.read_error_until("2 findings in 3 files"));
  const int64_t ran = counter("process.ran");
  write("notes", "nobody reads this\n");
  // The daemon has heard of that edit when it has answered these.
  for (int i = 0; i < 10; ++i) EXPECT_EQ(kiln({"lint", "bin::"}).exit_code, 1);
  // At once: a file that is written in place is empty for a moment, which is a change of its own.
  write("clean.new", "#!/bin/sh\nls $9\n");
  std::filesystem::rename(workspace() / "clean.new", workspace() / "bin/clean.sh");
  ASSERT_TRUE(loop.read_error_until("3 findings in 3 files"));
  EXPECT_EQ(counter("process.ran"), ran + 1);
  loop.signal(SIGINT);
  const Outcome outcome = loop.wait();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_EQ(count(outcome.err, "findings in"), 2u) << outcome.err;
}

TEST_F(Goals, ALoopOutlivesAnError) {
  write("only.sh", "#!/bin/sh\nls $1\n");
  Command loop = start({"lint", "--loop", "only.sh"});
  ASSERT_TRUE(loop.read_until("only.sh:2:4"));
  std::filesystem::remove(workspace() / "only.sh");
  ASSERT_TRUE(loop.read_error_until("'only.sh' matches no file"));
  write("only.sh", "#!/bin/sh\nls \"$1\" $2\n");
  ASSERT_TRUE(loop.read_until("only.sh:2:9"));
  loop.signal(SIGINT);
  loop.wait();
}

TEST_F(Goals, QueriesAnswerByType) {
  const Outcome paths = kiln({"rules", "query", "Paths", "PathGlobs={\"globs\":[\"bin/*.sh\"]}"});
  EXPECT_EQ(paths.out,
            "{\"files\":[\"bin/clean.sh\",\"bin/sloppy.sh\"],\"dirs\":[],\"warnings\":[]}\n");
  const Outcome captured = kiln({"digest", "capture", "bin/*.sh"});
  const Outcome queried =
      kiln({"rules", "query", "Digest", "PathGlobs={\"globs\":[\"bin/*.sh\"]}"});
  EXPECT_EQ(queried.out, "\"" + captured.out.substr(0, captured.out.size() - 1) + "\"\n");
  const Outcome wrong = kiln({"rules", "query", "Path", "PathGlobs={}"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'Paths(PathGlobs)'?"));
}

TEST_F(Goals, RulesSeeTheVariablesThatTheirClientLendsAndNoOthers) {
  environment()["LENT"] = "one";
  environment()["KEPT"] = "two";
  const Arguments query = {"rules", "query", "Environment",
                           R"(EnvironmentRequest={"names":["LENT","KEPT"]})"};
  EXPECT_EQ(kiln(query).out, "{\"variables\":{}}\n");
  Arguments lending = query;
  lending.insert(lending.end(), {"--env", "LENT"});
  EXPECT_EQ(kiln(lending).out, "{\"variables\":{\"LENT\":\"one\"}}\n");
  environment()["LENT"] = "another";
  EXPECT_EQ(kiln(lending).out, "{\"variables\":{\"LENT\":\"another\"}}\n");
  lending.back() = "NOT_SET";
  EXPECT_THAT(kiln(lending).err, HasSubstr("NOT_SET: this variable is not set here"));
}

TEST_F(Goals, AProcessThatFailsShowsAllOfIt) {
  const Outcome failed =
      kiln({"rules", "query", "ProcessResult",
            R"(Process={"argv":["/bin/sh","-c","echo out; echo err >&2; exit 3"]})"});
  EXPECT_NE(failed.exit_code, 0);
  EXPECT_THAT(failed.err, AllOf(HasSubstr("failed with exit code 3"), HasSubstr("out"),
                                HasSubstr("err"), HasSubstr("echo out; echo err")));
}

TEST_F(Goals, ManyClientsWithDifferentOptionsShareOneGraph) {
  std::vector<Command> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(i % 2 == 0
                          ? start({"lint", "::"})
                          : start({"lint", "::", "--option", "shellcheck.args=--severity=error"}));
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    const Outcome outcome = clients[i].wait();
    EXPECT_EQ(outcome.exit_code, i % 2 == 0 ? 1 : 0) << outcome.err;
  }
  EXPECT_EQ(counter("process.ran"), 6) << "equal work runs once, whoever asks";
}

TEST_F(Goals, EqualWorkOfDifferentWorkspacesRunsOnceThoughSomebodyLeaves) {
  // Two contents in four workspaces, three files, two options: twelve different processes.
  const std::vector<std::string> files = {"one.sh", "two.sh", "three.sh"};
  for (int w = 0; w < 4; ++w) {
    write_file(temp_path() / ("w" + std::to_string(w)) / "kiln.toml", "");
    for (const std::string& file : files) {
      write_file(temp_path() / ("w" + std::to_string(w)) / file,
                 "#!/bin/sh\nls $1 # " + file + std::to_string(w % 2) + "\n");
    }
  }
  std::vector<Command> clients;
  for (size_t i = 0; i < 64; ++i) {
    Arguments lint = {"lint", files[i / 4 % 3]};
    const bool errors_only = i / 12 % 2 == 1;
    if (errors_only) {
      lint.insert(lint.end(), {"--option", "shellcheck.args=--severity=error"});
    }
    clients.push_back(start_in(temp_path() / ("w" + std::to_string(i % 4)), lint));
  }
  constexpr size_t kLeaves = 30;
  clients[kLeaves].signal(SIGINT);
  for (size_t i = 0; i < clients.size(); ++i) {
    const Outcome outcome = clients[i].wait();
    if (i != kLeaves) {
      EXPECT_EQ(outcome.exit_code, i / 12 % 2 == 1 ? 0 : 1) << outcome.err;
    }
  }
  EXPECT_EQ(counter("process.ran"), 12);
}

}  // namespace
}  // namespace kiln::test
