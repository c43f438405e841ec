// The command line as people and scripts use it: paths, workspaces, lost output, files that do not
// come, terminals.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CommandLine : public KilnTest {
 protected:
  // A shell in a directory of the workspace, with kiln in its PATH.
  Outcome shell(const std::string& script, const std::string& directory = "") {
    return run(shell_arguments(script),
               {shell_environment(), (workspace() / directory).string(), ""});
  }
  // The same on a terminal of 80 columns; what it shows, with the bytes of the program.
  std::string on_terminal(const std::string& script, const std::string& term) {
    const winsize size = {24, 80, 0, 0};
    int terminal = -1;
    const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, &size);
    if (pid == 0) {
      (void)!::chdir(workspace().c_str());
      ::clearenv();
      for (const auto& [name, value] : shell_environment())
        ::setenv(name.c_str(), value.c_str(), 1);
      ::setenv("TERM", term.c_str(), 1);
      ::execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
      ::_exit(127);
    }
    std::string shown;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(terminal, buffer, sizeof buffer)) > 0;) {
      shown.append(buffer, static_cast<size_t>(n));
    }
    ::waitpid(pid, nullptr, 0);
    ::close(terminal);
    return shown;
  }

 private:
  static std::vector<std::string> shell_arguments(const std::string& script) {
    return {"/bin/sh", "-c", script};
  }
  std::map<std::string, std::string> shell_environment() {
    auto env = environment();
    env["PATH"] = client().parent_path().string() + ":" + env["PATH"];
    return env;
  }
};

constexpr const char* kScript = "#!/bin/sh\necho hello\n";

TEST_F(CommandLine, WhatOneCommandPrintsAnotherTakesInTheSameDirectory) {
  write("top.sh", kScript);
  write("sub/a b.sh", kScript);
  write("sub/-x.sh", kScript);
  write("other/c.sh", kScript);
  const std::string listed = shell("kiln list ::", "sub").out;
  EXPECT_EQ(listed, "../other/c.sh\n./-x.sh\na b.sh\n../top.sh\n");
  EXPECT_EQ(shell("kiln list -z :: | xargs -0 kiln list", "sub").out, listed);
  EXPECT_EQ(shell("kiln list -z :: | xargs -0 ls -d", "sub").exit_code, 0);
  EXPECT_EQ(shell("kiln paths -z '//**/*.sh' | xargs -0 kiln list", "sub").out, listed);
  EXPECT_EQ(shell("kiln list --root-relative ::", "sub").out,
            "other/c.sh\nsub/-x.sh\nsub/a b.sh\ntop.sh\n");
  EXPECT_EQ(
      shell("kiln list --root-relative -z :: | xargs -0 kiln list --root-relative", "sub").out,
      shell("kiln list --root-relative ::", "sub").out);
}

TEST_F(CommandLine, FindingsNameFilesAsTheyAreSeenFromHere) {
  write("sub/bad.sh", "#!/bin/sh\necho $1\n");
  EXPECT_THAT(kiln_in("sub", {"lint", "bad.sh"}).out, testing::StartsWith("bad.sh:2:6:"));
  EXPECT_THAT(kiln({"lint", "::"}).out, testing::StartsWith("sub/bad.sh:2:6:"));
}

TEST_F(CommandLine, AllCommandsTakePathsFromWhereOneStands) {
  write("sub/a", "in sub");
  write("a", "at the root");
  EXPECT_EQ(kiln_in("sub", {"paths", "*"}).out, "a\n");
  EXPECT_EQ(kiln_in("sub", {"paths", "//*"}).out, "../a\n./\n");
  EXPECT_EQ(kiln_in("sub", {"paths", "../a"}).out, "../a\n");
  EXPECT_EQ(kiln_in("sub", {"digest", "capture", "a"}).out,
            kiln({"digest", "capture", "sub/a"}).out);
  EXPECT_EQ(kiln_in("sub", {"exec", "--input", "a", "--", "cat", "a"}).out, "in sub");
  EXPECT_EQ(kiln_in("sub", {"exec", "--input", "//a", "--", "cat", "../a"}).out, "at the root");
  EXPECT_EQ(kiln_in("sub", {"exec", "--root-relative", "--input", "a", "--", "cat", "a"}).out,
            "at the root");
  std::string digest = kiln({"digest", "create", "made=made"}).out;
  digest.pop_back();
  ASSERT_EQ(kiln_in("sub", {"digest", "write", "--prefix", ".", digest}).exit_code, 0);
  EXPECT_EQ(read("sub/made"), "made");
}

TEST_F(CommandLine, NamesBehindTwoDashesAreNames) {
  write("-x.sh", kScript);
  EXPECT_EQ(kiln({"list", "--", "-x.sh"}).out, "./-x.sh\n");
  EXPECT_EQ(shell("ls | xargs kiln list --").out, "./-x.sh\n");
}

TEST_F(CommandLine, DeletedFilesCanBeSkipped) {
  write("a.sh", kScript);
  const Outcome refused = kiln({"list", "a.sh", "gone.sh"});
  EXPECT_EQ(refused.exit_code, 2);
  const Outcome some = kiln({"list", "--skip-missing", "a.sh", "gone.sh"});
  EXPECT_EQ(some.exit_code, 0);
  EXPECT_EQ(some.out, "a.sh\n");
  EXPECT_THAT(some.err, HasSubstr("gone.sh"));
  const Outcome none = kiln({"lint", "--skip-missing", "gone.sh"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_EQ(none.out, "");
}

TEST_F(CommandLine, WhatReadsAWorkspaceFailsWhereThereIsNone) {
  const fs::path bare = temp_path() / "bare";
  const fs::path home = temp_path() / "somebody";
  write_file(bare / "file", "x");
  write_file(home / "file", "x");
  environment()["HOME"] = home.string();
  for (const fs::path& directory : {bare, home, fs::path("/")}) {
    SCOPED_TRACE(directory);
    for (const Arguments& command :
         std::vector<Arguments>{{"paths", "file"},
                                {"digest", "capture", "file"},
                                {"list", "::"},
                                {"lint", "::"},
                                {"exec", "--input", "file", "--", "true"},
                                {"exec", "--write", "--output-file", "o", "--", "touch", "o"}}) {
      const Outcome outcome = kiln_in(directory, command);
      EXPECT_EQ(outcome.exit_code, 2) << command[0];
      EXPECT_THAT(outcome.err, AllOf(HasSubstr("neither " + directory.string() + " nor"),
                                     HasSubstr("kiln.toml"), HasSubstr("--root")))
          << command[0];
    }
    EXPECT_EQ(kiln_in(directory, {"digest", "create", "a=b"}).exit_code, 0) << "it needs none";
    const Outcome process = kiln_in(directory, {"exec", "--", "echo", "hello"});
    EXPECT_EQ(process.out, "hello\n") << process.err;
  }
  EXPECT_EQ(kiln_in(bare, {"paths", "--root", ".", "file"}).out, "file\n");
  write_file(home / "kiln.toml", "");
  EXPECT_EQ(kiln_in(home, {"paths", "file"}).exit_code, 0) << "it is marked";
}

TEST_F(CommandLine, DataThatCannotBeWrittenIsAFailure) {
  write("file.sh", "#!/bin/sh\necho $1\n");
  std::string digest = kiln({"digest", "capture", "file.sh"}).out;
  digest.pop_back();
  for (const std::string& command :
       {std::string("--help"), std::string("--version"), std::string("--help --json"),
        std::string("exec --help"), std::string("paths '*'"), std::string("list ::"),
        std::string("lint ::"), std::string("digest capture file.sh"), "digest ls " + digest,
        "digest cat " + digest + " file.sh", std::string("exec -- echo hello"),
        std::string("exec --json -- true"), std::string("daemon status"), std::string("rules list"),
        std::string("help shellcheck")}) {
    for (const char* lost : {" >&-", " >/dev/full"}) {
      const Outcome outcome = shell("kiln " + command + lost);
      EXPECT_EQ(outcome.exit_code, 125) << command << lost;
      EXPECT_THAT(outcome.err, HasSubstr("standard output")) << command << lost;
    }
  }
  EXPECT_EQ(shell("kiln exec -- true >&-").exit_code, 0) << "nothing was lost";
}

TEST_F(CommandLine, OfAReaderThatWentAwayNothingIsSaid) {
  const Outcome outcome =
      shell("trap '' PIPE; { kiln exec -- sh -c 'yes | head -c 300000'; echo $? >code; } | true");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(read("code"), "141\n");
}

TEST_F(CommandLine, JsonHoldsAllThatAProcessWrote) {
  const auto text = exec_json({}, "head -c 300000 /dev/zero | tr '\\0' x; echo err >&2");
  EXPECT_EQ(text["stdout"], std::string(300000, 'x'));
  EXPECT_EQ(text["stderr"], "err\n");
  const auto bytes = exec_json({}, "printf '\\377\\376a'");
  EXPECT_EQ(bytes["stdout"], nlohmann::json({{"base64", "//5h"}}));
  EXPECT_EQ(bytes["stderr"], "");
}

TEST_F(CommandLine, ABatchHoldsAllThatItsProcessesWrote) {
  std::string input;
  for (const int size : {10, 70000, 5000000}) {
    const std::string script = "head -c " + std::to_string(size) + " /dev/zero | tr '\\0' x";
    input += nlohmann::json{{"id", size}, {"argv", {"/bin/sh", "-c", script}}}.dump() + "\n";
  }
  const Outcome outcome = kiln({"exec", "--batch", "-"}, input);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto result = nlohmann::json::parse(line);
    EXPECT_EQ(result["stdout"].get<std::string>().size(), result["id"].get<size_t>());
  }
  EXPECT_EQ(count, 3);
  EXPECT_THAT(outcome.err, HasSubstr("3 processes ran, 0 cached, in "));
  EXPECT_THAT(kiln({"exec", "--batch", "-"}, input).err, HasSubstr("0 processes ran, 3 cached"));
}

TEST_F(CommandLine, AFileThatDoesNotComeCanBeInterrupted) {
  const fs::path pipe = workspace() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  kiln({"daemon", "start"});
  for (const Arguments& command :
       std::vector<Arguments>{{"digest", "create", "a=@pipe"},
                              {"exec", "--batch", "pipe"},
                              {"exec", "--profile", "pipe", "--", "true"}}) {
    for (const int signal : {SIGINT, SIGTERM}) {
      Command client = start(command);
      // Until it waits, whatever for.
      const std::string wchan = "/proc/" + std::to_string(client.pid()) + "/status";
      ASSERT_TRUE(eventually([&] { return slurp(wchan).find("State:\tS") != std::string::npos; }));
      client.signal(signal);
      EXPECT_EQ(client.wait().exit_code, 128 + signal) << command[0] << " " << command[1];
    }
  }
}

TEST_F(CommandLine, AFifoIsReadOnceItsWriterComes) {
  ASSERT_EQ(::mkfifo((workspace() / "pipe").c_str(), 0600), 0);
  const Outcome outcome = shell(
      "kiln digest create a=@pipe >digest & echo content >pipe; wait; "
      "kiln digest cat $(cat digest) a");
  EXPECT_EQ(outcome.out, "content\n") << outcome.err;
}

TEST_F(CommandLine, ADumbTerminalGetsPlainLines) {
  write("a.sh", "#!/bin/sh\necho $1\n");
  for (const std::string term : {"dumb", ""}) {
    std::string shown =
        on_terminal("kiln exec -- sh -c 'sleep 0.6 #" + term + "'; kiln lint ::", term);
    std::erase(shown, '\r');  // the terminal's own, before each newline
    EXPECT_THAT(shown, Not(HasSubstr("\x1b"))) << term;
    EXPECT_THAT(shown, AllOf(HasSubstr("✓ sh -c "), HasSubstr("✗ shellcheck: 1 finding")));
  }
}

TEST_F(CommandLine, ATerminalShowsWhatRunsAndTheLiveLinesGo) {
  std::string input;
  for (int i = 0; i < 3; ++i) {
    input += nlohmann::json{{"argv", {"/bin/sleep", "0.7"}},
                            {"env", {{"N", std::to_string(i)}}},
                            {"description", "work " + std::to_string(i)}}
                 .dump() +
             "\n";
  }
  write("batch", input);
  const std::string shown = on_terminal("kiln exec --batch batch >/dev/null", "xterm");
  EXPECT_THAT(shown, AllOf(HasSubstr("/3] "), HasSubstr("s  work 0"), HasSubstr("s  work 1"),
                           HasSubstr("3 processes ran, 0 cached, in ")));
  const size_t last = shown.rfind("\x1b[K");
  EXPECT_THAT(shown.substr(last), Not(HasSubstr("work"))) << "live lines are cleared";
}

TEST_F(CommandLine, VersionsNameTheBuildAndDaemonsSayTheSame) {
  std::string version = kiln({"--version"}).out;
  EXPECT_THAT(version, testing::MatchesRegex("kiln [0-9.]+(-[-.0-9a-zA-Z]+)?\\+[0-9a-f]+\n"));
  kiln({"daemon", "start"});
  EXPECT_EQ(
      "kiln " + kiln_json({"daemon", "status", "--json"})["version"].get<std::string>() + "\n",
      version);
}

}  // namespace
}  // namespace kiln::test
