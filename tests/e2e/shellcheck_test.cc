// kiln lint with ShellCheck: its configuration, its failures, and a stand-in for it that the test
// holds back.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSloppy = "#!/bin/sh\nls $1\n";

class Shellcheck : public KilnTest {
 protected:
  Shellcheck() { write("kiln.toml", ""); }

  // The options that make `script` the tool.
  Arguments with_tool(Arguments arguments, const std::string& script) {
    const auto tool = temp_path() / "tools/shellcheck";
    write_file(tool, "#!/bin/sh\n" + script);
    std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
    arguments.insert(arguments.end(),
                     {"--option", "shellcheck.path=" + tool.parent_path().string()});
    return arguments;
  }
  static constexpr const char* kNoFindings = "echo '{\"comments\": []}'\n";
};

TEST_F(Shellcheck, ABrokenConfigurationIsOneErrorOfItsOwnFile) {
  write("a.sh", "#!/bin/sh\n");
  write("sub/b.sh", "#!/bin/sh\n");
  write("sub/c.sh", "#!/bin/sh\n");
  write(".shellcheckrc", "disable=SC2086\nbroken((\n");
  const Outcome first = kiln({"lint", "--progress", "none", "::"});
  EXPECT_EQ(first.exit_code, 1);
  EXPECT_EQ(first.out, ".shellcheckrc:2:1: error: Expected '=' after directive key. [SC1134]\n");
  EXPECT_EQ(first.err, "✗ shellcheck: 1 finding in 4 files.\n");
  const Outcome json = kiln({"lint", "--json", "::"});
  EXPECT_THAT(json.out, AllOf(HasSubstr(R"("file":".shellcheckrc","findings":[{"line":2,)"),
                              Not(HasSubstr("sandboxes"))));
  // In other sandboxes, of another daemon without a memory, the same.
  stop_daemon();
  std::filesystem::remove_all(home());
  EXPECT_EQ(kiln({"lint", "::"}).out, first.out);
  write("sub/.shellcheckrc", "nor this\n");
  EXPECT_THAT(kiln({"lint", "sub::"}).out, HasSubstr("sub/.shellcheckrc:1:1: error: "));
}

TEST_F(Shellcheck, ConfigurationOutsideTheWorkspaceIsNotRead) {
  write("a.sh", kSloppy);
  // ShellCheck itself would search the directories above its own, and the home directory.
  write_file(home() / ".shellcheckrc", "disable=SC2086\n");
  write_file(temp_path() / ".shellcheckrc", "disable=SC2086\n");
  EXPECT_EQ(kiln({"lint", "a.sh", "--option", "shellcheck.args=--severity=style"}).exit_code, 1);
}

TEST_F(Shellcheck, ThatIsMissingSaysWhereItWasLookedForAndWhatToDo) {
  write("a.sh", kSloppy);
  const Outcome outcome = kiln({"lint", "::", "--option", "shellcheck.path=/nowhere"});
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("/nowhere"), HasSubstr("apt install shellcheck"),
                                 HasSubstr("--option shellcheck.path=DIR")));
  EXPECT_THAT(outcome.err, HasSubstr("\n  in shellcheck_file ← shellcheck ← lint_report\n"))
      << "the chain of rules";
  EXPECT_THAT(outcome.err, Not(HasSubstr("while computing")));
  const Outcome traced =
      kiln({"lint", "::", "--level", "debug", "--option", "shellcheck.path=/nowhere"});
  EXPECT_THAT(traced.err, HasSubstr("while computing shellcheck_file(ShellcheckFile{file: "));
}

TEST_F(Shellcheck, ThatFailsIsQuotedLineByLine) {
  write("a.sh", kSloppy);
  const Outcome outcome =
      kiln(with_tool({"lint", "::"}, "printf 'one\\ntwo\\033[1m\\n' >&2; exit 3\n"));
  EXPECT_EQ(outcome.exit_code, 125) << "neither findings nor a wrong command line";
  EXPECT_THAT(outcome.err, HasSubstr("on a.sh with exit code 3:\none\ntwo\\x1b[1m\n"));
}

TEST_F(Shellcheck, ThatIsKilledIsNeitherAnAnswerNorAWrongCommandLine) {
  write("a.sh", kSloppy);
  const Outcome outcome = kiln(with_tool({"lint", "::"}, "kill -9 $$\n"));
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_THAT(outcome.err, HasSubstr("shellcheck was ended by signal 9 on a.sh"));
}

TEST_F(Shellcheck, FilesThatNoLinterIsForAreNamedIfTheyWereAskedFor) {
  write("n.txt", "no script\n");
  write("a.sh", "#!/bin/sh\n");
  const Outcome named = kiln({"lint", "n.txt", "a.sh"});
  EXPECT_EQ(named.exit_code, 0);
  EXPECT_THAT(named.err, HasSubstr("kiln: warning: no linter is for n.txt; shellcheck takes *.sh"));
  EXPECT_THAT(kiln({"lint", "::"}).err, Not(HasSubstr("n.txt")));
}

TEST_F(Shellcheck, ScriptsAreLintedSideBySide) {
  environment()["KILN_JOBS"] = "2";
  write("a.sh", kSloppy);
  write("b.sh", kSloppy);
  const std::string fifo = (temp_path() / "meeting").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  // Each opens one end, which lasts until the other opens its own.
  const std::string meet =
      "case \"$*\" in *a.sh) echo here >" + fifo + ";; *) read x <" + fifo + ";; esac\n";
  const Outcome outcome = kiln(with_tool({"lint", "::"}, meet + kNoFindings));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(Shellcheck, AnEditDuringALintIsInTheAnswer) {
  write("a.sh", "old\n");
  const auto started = temp_path() / "started";
  const std::string fifo = (temp_path() / "gate").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  // Waits only when it sees the old text; finds as much as there is new text.
  const std::string tool =
      "read text <a.sh; if [ \"$text\" = old ]; then : >" + started.string() + "; read x <" + fifo +
      "; echo '{\"comments\": []}'; else echo '{\"comments\": [{\"line\": 7, \"column\": 1, "
      "\"level\": \"info\", \"code\": 1, \"message\": \"new\"}]}'; fi\n";
  Command lint = start(with_tool({"lint", "a.sh"}, tool));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(started); }));
  write("a.sh", "new\n");
  write_file(fifo, "go\n");
  const Outcome outcome = lint.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_EQ(outcome.out, "a.sh:7:1: info: new [SC1]\n");
}

TEST_F(Shellcheck, ASmallLintBesideABigOneIsSoonDone) {
  environment()["KILN_JOBS"] = "2";
  ASSERT_EQ(kiln({"daemon", "start"}).exit_code, 0);
  constexpr int kBig = 30;
  for (int i = 0; i < kBig; ++i) write("big/" + std::to_string(i) + ".sh", "#!/bin/sh\n");
  write("small.sh", "#!/bin/sh\n");
  const auto log = temp_path() / "log";
  const std::string fifo = (temp_path() / "gate").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const int gate = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
  // Each takes one line from the gate: none goes on before both lints are there.
  const std::string tool =
      "read x <" + fifo + "; echo \"$*\" >>" + log.string() + "\n" + kNoFindings;
  Command big = start(with_tool({"lint", "big::"}, tool));
  ASSERT_TRUE(eventually([&] { return counter("process.waiting") == kBig - 2; }));
  Command small = start(
      {"lint", "small.sh", "--option", "shellcheck.path=" + (temp_path() / "tools").string()});
  ASSERT_TRUE(eventually([&] { return counter("process.waiting") == kBig - 1; }));
  for (int i = 0; i <= kBig; ++i) ASSERT_EQ(::write(gate, "\n", 1), 1);
  EXPECT_EQ(small.wait().exit_code, 0);
  EXPECT_EQ(big.wait().exit_code, 0);
  ::close(gate);
  const std::string order = slurp(log);
  const std::string before = order.substr(0, order.find("small.sh"));
  EXPECT_LT(std::count(before.begin(), before.end(), '\n'), kBig / 2) << order;
}

}  // namespace
}  // namespace kiln::test
