// --loop: a goal runs again when, and only when, something that it read has changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class Loop : public KilnTest {
 protected:
  // At once: a file that is written in place is empty for a moment, which is a change of its own.
  void put(const std::string& path, std::string_view content) {
    write_file(temp_path() / "new", content);
    fs::create_directories((workspace() / path).parent_path());
    fs::rename(temp_path() / "new", workspace() / path);
  }
  // The daemon has heard of all that was done when it has answered these, and a loop that were to
  // run again for it would have begun.
  void let_it_hear() {
    for (int i = 0; i < 10; ++i) EXPECT_EQ(kiln({"list", "::"}).exit_code, 0);
  }
  static Outcome interrupted(Command& loop) {
    loop.signal(SIGINT);
    Outcome outcome = loop.wait();
    EXPECT_EQ(outcome.exit_code, 130);
    return outcome;
  }
};

TEST_F(Loop, OverALintTakesNoticeOfWhatItReadsAndOfNothingElse) {
  put("bin/a.sh", "#!/bin/sh\nls $1\n");
  put("bin/b.sh", "#!/bin/sh\nls $1 $2\n");
  put(".gitignore", "ignored*\n");
  put("notes", "none\n");
  Command loop = start({"lint", "--loop", "bin::"});
  size_t rounds = 0;
  const auto ran_again = [&](const std::string& summary) {
    ++rounds;
    return loop.read_error_until(std::string("shellcheck: ") + summary);
  };
  ASSERT_TRUE(ran_again("3 findings in 2 files"));

  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(workspace() / "bin/a.sh", now);           // touched
  put("bin/a.sh", "#!/bin/sh\nls $1\n");                        // replaced by its equal
  ::chmod((workspace() / "bin/a.sh").c_str(), 0755);            // of no interest to a linter
  put("bin/ignored.sh", "#!/bin/sh\nls $1\n");                  // ignored
  put("notes", "edited\n");                                     // outside of the spec
  put("other/new.sh", "#!/bin/sh\nls $1\n");                    // as is this
  fs::create_directory(workspace() / "bin/empty");              // no file
  put(".gitignore", "# the same, said otherwise\nignored*\n");  // hides what it hid
  let_it_hear();

  put("bin/c.sh", "#!/bin/sh\nls \"$1\"\n");
  ASSERT_TRUE(ran_again("3 findings in 3 files")) << "a new file that the spec matches";
  put("bin/c.sh", "#!/bin/sh\nls $1 $2 $3\n");
  ASSERT_TRUE(ran_again("6 findings in 3 files")) << "an edit";
  fs::remove(workspace() / "bin/b.sh");
  ASSERT_TRUE(ran_again("4 findings in 2 files")) << "a deleted file";
  put(".shellcheckrc", "disable=SC2086\n");
  ASSERT_TRUE(ran_again("0 findings in 2 files")) << "a configuration appears";
  put("bin/d.sh", "#!/bin/sh\nls $1\n");
  ASSERT_TRUE(ran_again("0 findings in 3 files"));
  fs::remove(workspace() / ".shellcheckrc");
  ASSERT_TRUE(ran_again("5 findings in 3 files")) << "and goes";
  put(".gitignore", "");
  ASSERT_TRUE(ran_again("6 findings in 4 files")) << "what was ignored is not any more";
  fs::rename(workspace() / "bin", workspace() / "away");
  ASSERT_TRUE(loop.read_error_until("'bin::' matches no file")) << "an error is an answer";
  put("away/e.sh", "#!/bin/sh\nls $1\n");
  fs::rename(workspace() / "away", workspace() / "bin");
  ASSERT_TRUE(ran_again("7 findings in 5 files"));
  let_it_hear();
  const Outcome outcome = interrupted(loop);
  EXPECT_EQ(count(outcome.err, "findings in"), rounds) << outcome.err;
  EXPECT_EQ(count(outcome.err, "matches no file"), 1u) << outcome.err;
}

TEST_F(Loop, LooksFromTimeToTimeWhereNothingCanBeWatchedAndSaysSoOnce) {
  environment()["KILN_MAX_WATCHES"] = "1";
  put("src/a.txt", "1");
  Command loop = start({"list", "--loop", "src/*"});
  ASSERT_TRUE(loop.read_until("src/a.txt"));
  put("src/new.txt", "1");
  ASSERT_TRUE(loop.read_until("src/new.txt"));
  put("src/newer.txt", "1");
  ASSERT_TRUE(loop.read_until("src/newer.txt"));
  const Outcome outcome = interrupted(loop);
  EXPECT_EQ(count(outcome.err, "can be watched"), 1U) << outcome.err;
}

TEST_F(Loop, RunsAgainWhenItsWorkspaceComesBack) {
  put("a.txt", "1");
  Command loop = start({"list", "--loop", "::"});
  ASSERT_TRUE(loop.read_until("a.txt"));
  fs::rename(workspace(), temp_path() / "away");
  ASSERT_TRUE(loop.read_error_until("cannot open the workspace"));
  fs::create_directory(workspace());
  put("b.txt", "1");
  ASSERT_TRUE(loop.read_until("b.txt"));
  put("c.txt", "1");
  ASSERT_TRUE(loop.read_until("c.txt")) << "and goes on from there";
  interrupted(loop);
}

class ProbedLoop : public Loop {
 protected:
  ProbedLoop() { environment()["KILN_DAEMON"] = KILND_PROBES; }
  std::string option(const std::string& file) const {
    return "probe.file=" + (temp_path() / file).string();
  }
};

TEST_F(ProbedLoop, AnUncacheableRuleRunsOnceInEachRoundAndMakesNone) {
  put("a.txt", "");
  Command loop = start({"dice", "--loop"});
  ASSERT_TRUE(loop.read_until("throw 1: a.txt\n"));
  put("unrelated", "");
  put("unrelated", "again");
  let_it_hear();
  put("b.txt", "");
  ASSERT_TRUE(loop.read_until("throw 2: a.txt b.txt\n"));
  put("b.txt", "its name is all that was read");
  let_it_hear();
  EXPECT_EQ(interrupted(loop).out, "throw 1: a.txt\nthrow 2: a.txt b.txt\n");
}

TEST_F(ProbedLoop, AGoalThatFailsRunsAgainOnlyWhenWhatItReadHasChanged) {
  put("verdict", "bad\n");
  const auto processes = [&] { return count(slurp(temp_path() / "log"), "ran\n"); };
  Command loop = start({"prove", "--loop", "--option", option("log")});
  ASSERT_TRUE(loop.read_error_until("failed with exit code 1"));
  put("unrelated", "");
  let_it_hear();
  EXPECT_EQ(processes(), 1u) << "its failure holds until the verdict changes";
  put("verdict", "good\n");
  ASSERT_TRUE(loop.read_until("proved\n"));
  EXPECT_EQ(processes(), 2u);
  put("verdict", "still bad\n");
  ASSERT_TRUE(loop.read_error_until("still bad\n"));
  put("verdict", "good\n");
  ASSERT_TRUE(loop.read_until("proved\nproved\n"));
  const Outcome outcome = interrupted(loop);
  EXPECT_EQ(count(outcome.err, "failed with exit code 1"), 2u) << outcome.err;
  EXPECT_EQ(processes(), 3u) << "the good verdict was known";
}

TEST_F(ProbedLoop, WhatKeepsChangingIsNamedAndTheAnswerIsNotGiven) {
  put("prey", "");
  const std::string prey = (workspace() / "prey").string();
  const Outcome outcome = kiln({"chase", "--option", "probe.file=" + prey});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("kept changing while chase ran, 20 times"));
  EXPECT_THAT(outcome.err, HasSubstr("prey"));
  EXPECT_EQ(count(read("prey"), "more\n"), 20u);
}

}  // namespace
}  // namespace kiln::test
