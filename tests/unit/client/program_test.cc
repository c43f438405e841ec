// What the program `kiln` does: calls, daemons, output, exit codes.
#include "tests/unit/client/program_fixture.h"

namespace kiln {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(ProgramTest, ExecPassesOutputAndExitCodeThrough) {
  const Ended echo = kiln("exec -- echo hello there");
  EXPECT_EQ(echo.code, 0) << echo.err;
  EXPECT_EQ(echo.out, "hello there\n");
  EXPECT_EQ(echo.err, "");
  EXPECT_EQ(kiln("exec -- exit 7").code, 7);
  EXPECT_EQ(kiln("exec -- exit -9").code, 137);
  EXPECT_EQ(starts(), 1u);
}

TEST_F(ProgramTest, ErrorsOfTheDaemonDecideTheExitCode) {
  const Ended missing = kiln("exec -- fail 13 'no such command: x'");
  EXPECT_EQ(missing.code, 127);
  EXPECT_EQ(missing.err, "kiln: no such command: x\n  while doing as it was told\n");
  EXPECT_EQ(kiln("exec -- fail 14 x").code, 126);
  EXPECT_EQ(kiln("exec -- fail 1 x").code, 2);
}

TEST_F(ProgramTest, ADaemonThatDiesInMidCallIsNamedWithItsLog) {
  make_log();
  const Ended ended = kiln("exec -- die");
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, HasSubstr("kiln: the daemon closed the connection"));
  EXPECT_THAT(ended.err, HasSubstr(dir_ + "/home/log/kilnd.log"));
  EXPECT_EQ(kiln("exec -- echo back").out, "back\n");
  EXPECT_EQ(starts(), 2u);
}

TEST_F(ProgramTest, ManyClientsAtOnceStartOneDaemon) {
  const Ended ended =
      shell("for i in $(seq 40); do " + command("exec -- echo one") + " & done; wait");
  EXPECT_EQ(ended.out.size(), 40 * std::string("one\n").size()) << ended.err;
  EXPECT_EQ(starts(), 1u);
}

TEST_F(ProgramTest, ADaemonThatCannotStartSaysWhy) {
  set("FAKE_KILND_MODE", "broken");
  const Ended ended = kiln("exec -- echo x");
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, HasSubstr("the daemon did not start: the store is damaged"));
  EXPECT_THAT(ended.err, HasSubstr("noise on stderr"));
  EXPECT_THAT(ended.err, Not(HasSubstr("its log: "))) << "there is none";
  make_log();
  EXPECT_THAT(kiln("exec -- echo x").err, HasSubstr("its log: "));
}

TEST_F(ProgramTest, AMissingDaemonProgramIsNamed) {
  set("KILN_DAEMON", "/nowhere/kilnd");
  const Ended ended = kiln("daemon start");
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, HasSubstr("/nowhere/kilnd: No such file or directory"));
}

TEST_F(ProgramTest, ADaemonOfAnotherVersionIsReplaced) {
  const std::string before = environment_;
  set("FAKE_KILND_VERSION", "0.0.1");
  EXPECT_EQ(kiln("daemon start").code, 0);
  environment_ = before;
  const Ended ended = kiln("exec -- echo new");
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out, "new\n");
  EXPECT_THAT(ended.err, HasSubstr("the running daemon is of version 0.0.1"));
  EXPECT_EQ(starts(), 2u);
  EXPECT_EQ(kiln("exec -- echo again").err, "");
}

TEST_F(ProgramTest, TheDaemonHoldsNoDescriptorOfItsFirstClient) {
  // The pipe of $(...) would never end if the daemon had inherited it.
  const Ended ended = shell("x=$(exec 9>&1; " + command("exec -- echo quick") + "); echo got $x");
  EXPECT_EQ(ended.out, "got quick\n");
}

TEST_F(ProgramTest, StatusStartsNothing) {
  const Ended none = kiln("daemon status");
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("no daemon runs"));
  EXPECT_EQ(kiln("daemon stop").code, 0);
  EXPECT_EQ(starts(), 0u);
  kiln("daemon start");
  const Ended status = kiln("daemon status --json");
  EXPECT_EQ(status.code, 0);
  EXPECT_THAT(status.out, StartsWith("{\"running\":true,\"pid\":"));
  EXPECT_THAT(kiln("daemon status").out, HasSubstr("3 ran, 0 from the store, 0 memoized"));
  EXPECT_EQ(kiln("daemon restart").code, 0);
  EXPECT_EQ(starts(), 2u);
}

TEST_F(ProgramTest, JsonGoesToStdoutAlone) {
  const Ended ended = kiln("exec --json -- echo hi");
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, StartsWith("{\"exit_code\":0,"));
  EXPECT_THAT(ended.out, HasSubstr("\"stdout\":\"hi\\n\""));
  EXPECT_THAT(ended.out, HasSubstr("\"source\":\"memoized\""));
  EXPECT_EQ(ended.err, "");
}

TEST_F(ProgramTest, AnInterruptCancelsAndEndsWithItsCode) {
  const auto killed_by = [this](const std::string& signal) {
    const std::string seen = dir_ + "/seen";
    // Job control (set -m), since a shell's background jobs ignore SIGINT without it.
    return shell("set -m; rm -f " + seen + "; " + command("exec -- hang") + " >" + seen +
                 " & pid=$!; until grep -q hanging " + seen +
                 " 2>/dev/null; do sleep 0.01; done; kill -" + signal + " $pid; wait $pid");
  };
  EXPECT_EQ(killed_by("INT").code, 130);
  EXPECT_EQ(killed_by("TERM").code, 143);
}

TEST_F(ProgramTest, ASignalEndsTheWaitForAProgramThatDoesNotAnswer) {
  set("FAKE_KILND_MODE", "silent");
  const Ended ended = shell(command("exce") + " & pid=$!; until test -s " + dir_ +
                            "/starts; do sleep 0.01; done; kill -TERM $pid; wait $pid");
  EXPECT_EQ(ended.code, 143) << ended.err;
}

TEST_F(ProgramTest, ABatchAnswersEachLineAndGoesOnAfterAWrongOne) {
  std::ofstream(dir_ + "/batch") << R"({"argv": ["echo", "a"], "id": "first"})"
                                 << "\n\n"
                                 << R"({"argvv": ["echo", "b"]})"
                                 << "\n"
                                 << R"({"argv": ["exit", "3"]})"
                                 << "\n"
                                 << R"({"argv": ["fail"], "id": [1, 2]})";
  const Ended ended = kiln("exec --batch " + dir_ + "/batch");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.out, HasSubstr(R"({"id":"first","exit_code":0,)"));
  EXPECT_THAT(ended.out, HasSubstr("line 3: unknown field 'argvv'; did you mean argv?"));
  EXPECT_THAT(ended.out, HasSubstr(R"({"id":4,"exit_code":3,)"));
  EXPECT_THAT(ended.out, HasSubstr(R"({"id":[1,2],"error":{"code":"command_not_found")"));
  EXPECT_THAT(ended.err, HasSubstr("line 3: unknown field 'argvv'"));
}

TEST_F(ProgramTest, ABatchOfThousandsComesThroughAPipe) {
  const Ended ended = shell("for i in $(seq 5000); do echo '{\"argv\":[\"echo\",\"x\"]}'; done | " +
                            command("exec --batch -") + " | wc -l");
  EXPECT_EQ(ended.out, "5000\n") << ended.err;
}

TEST_F(ProgramTest, ABatchAnswersBeforeItsInputEnds) {
  // The second line is written only after the first answer was read.
  const Ended ended = shell("mkfifo " + dir_ + "/in; ( exec 8>" + dir_ +
                            "/in; echo '{\"argv\":[\"echo\",\"1\"]}' >&8; "
                            "while ! grep -q exit_code " +
                            dir_ +
                            "/answers 2>/dev/null; do sleep 0.01; done; "
                            "echo '{\"argv\":[\"echo\",\"2\"]}' >&8 ) & " +
                            command("exec --batch " + dir_ + "/in") + " >" + dir_ +
                            "/answers; wait; wc -l <" + dir_ + "/answers");
  EXPECT_EQ(ended.out, "2\n") << ended.err;
}

TEST_F(ProgramTest, FilesAreUploadedForCreate) {
  std::system(("head -c 10000000 /dev/zero >" + dir_ + "/ws/sub/big").c_str());
  const Ended ended = kiln("digest create a=text b+x=@big 'c->a' d/");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, testing::EndsWith("/4\n"));
  const Ended missing = kiln("digest create a=@nothing");
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("cannot open nothing: No such file or directory"));
}

TEST_F(ProgramTest, AnUploadTakesLittleMemoryHoweverLargeTheFile) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "AddressSanitizer needs an address space without limit";
#endif
  kiln("daemon start");
  std::system(("truncate -s 300M " + dir_ + "/ws/sub/sparse").c_str());
  const Ended ended = shell("ulimit -v 100000; " + command("digest create x=@sparse"));
  EXPECT_EQ(ended.code, 0) << ended.err;
}

TEST_F(ProgramTest, CatWritesBytesAsTheyAre) {
  const std::string hash = std::string(64, '0');
  const Ended ended = shell(command("digest cat " + hash + "/3000000 f") + " | wc -c");
  EXPECT_EQ(ended.out, "3000000\n") << ended.err;
}

TEST_F(ProgramTest, DiffEndsAsDiffDoes) {
  const std::string hash = std::string(64, '0');
  EXPECT_EQ(kiln("digest diff " + hash + "/1 " + hash + "/1").code, 0);
  const Ended differ = kiln("digest diff " + hash + "/1 " + hash + "/2");
  EXPECT_EQ(differ.code, 1);
  EXPECT_EQ(differ.out, "- gone\n+ new\n");
}

TEST_F(ProgramTest, AFullDiskUnderOurOutputIsAnError) {
  const Ended ended = shell(command("exec -- echo x") + " >/dev/full");
  EXPECT_EQ(ended.code, 125);
  EXPECT_THAT(ended.err, HasSubstr("cannot write standard output: No space left on device"));
}

TEST_F(ProgramTest, WhatIsWrongOnTheCommandLineStartsNoDaemon) {
  const std::pair<std::string, std::string> cases[] = {
      {"digest capure x", "did you mean digest capture?"},
      {"digest nope", "unknown command 'digest nope'\n  see kiln digest --help"},
      {"exec --input '' -- true", "--input '' is empty"},
      {"exec -- ''", "the empty word"},
      {"exec --json --input", "needs a value: --input GLOB"},
      {"exec --batch - -- true", "from standard input"},
      {"exec --batch /tmp", "cannot read /tmp: Is a directory"},
      {"digest cat " + std::string(64, '0') + "/3 ''", "the path of the file is empty"},
      {"exec --inptu x -- true", "unknown option --inptu; did you mean --input?"},
      {"exec", "no command"},
      {"exec --timeout -1 -- true", "--timeout '-1' is not a positive number of seconds"},
      {"exec --env NOT_SET_HERE -- true", "the variable is not set here"},
      {"exec --digest zz -- true", "zz"},
      {"exec --concurrency 2 -- true", "--concurrency: not supported yet"},
      {"exec --sandbox strickt -- true", "did you mean strict?"},
      {"exec --batch nothing-here", "No such file"},
      {"exec --batch - -- true", "not from the command line"},
      {"exec --batch - --input x", "not from the command line"},
      {"lint a.sh -- --fix", "lint: passthrough arguments after -- are not supported yet"},
      {"list :: -nofile", "needs a path: -./nofile or -nofile:"},
      {"list ../..", "the spec '../..' leads out of the workspace"},
      {"list /etc/passwd", "the spec '/etc/passwd' leads out of the workspace"},
      {"--root /nowhere exec -- true", "/nowhere"},
      {"digest cat", "too few arguments"},
      {"digest cat x", "'x' is not a digest"},
      {"exec -- $'\\xff'", "not valid UTF-8"}};
  for (const auto& [arguments, message] : cases) {
    const Ended ended = shell("bash -c \"" + command(arguments) + "\"");
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(message)) << arguments;
  }
  EXPECT_EQ(starts(), 0u);
}

TEST_F(ProgramTest, ResultsAndWarningsOfGoalsAreTold) {
  EXPECT_EQ(kiln("lint ::").err, "✓ good.\n✗ bad.\nkiln: warning: odd\ntalk\n");
  EXPECT_EQ(kiln("lint :: --color always").err,
            "\x1b[32m✓ \x1b[0mgood.\n\x1b[31m✗ \x1b[0mbad.\n"
            "\x1b[33mkiln: warning: \x1b[0modd\ntalk\n");
}

}  // namespace
}  // namespace kiln
