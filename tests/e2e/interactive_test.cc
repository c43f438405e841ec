// `kiln exec --interactive`: a process in the caller's terminal, driven through a real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>

#include "tests/support/eventually.h"
#include "tests/support/kiln_fixture.h"
#include "tests/support/terminal.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Interactive : public KilnTest {
 protected:
  Interactive() {
    environment()["TERM"] = "xterm";
    environment()["PS1"] = "shell$ ";
  }
  // `kiln exec --interactive OPTIONS -- COMMAND` on a terminal.
  Terminal exec(Arguments options, const Arguments& command) {
    Arguments argv = {client().string(), "exec", "--interactive"};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.emplace_back("--");
    argv.insert(argv.end(), command.begin(), command.end());
    return Terminal(argv, environment(), workspace().string());
  }
  Terminal python(const std::string& script) {
    return exec({}, {"/usr/bin/python3", "-c", script});
  }
  size_t sandboxes() const {
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(home() / "interactive")) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }
};

TEST_F(Interactive, APythonPromptAnswersAndItsExitCodeIsTheCommands) {
  write("greeting.txt", "hello\n");
  Terminal prompt = exec({"--input", "*.txt"}, {"/usr/bin/python3", "-q"});
  ASSERT_TRUE(prompt.read_until(">>> "));
  prompt.type("open('greeting.txt').read()\n");
  ASSERT_TRUE(prompt.read_until("'hello\\n'"));
  prompt.type("exit(7)\n");
  EXPECT_EQ(prompt.wait(), 7);
  EXPECT_TRUE(eventually([&] { return sandboxes() == 0; })) << "its inputs are removed";
}

TEST_F(Interactive, ItSeesItsInputsAndACleanEnvironment) {
  write("seen", "");
  write("unseen", "");
  environment()["SECRET"] = "42";
  Terminal shell = exec({"--input", "seen", "--env", "GIVEN=7"}, {"sh", "-c", "ls; env"});
  EXPECT_EQ(shell.wait(), 0);
  EXPECT_THAT(shell.screen(), HasSubstr("seen"));
  EXPECT_THAT(shell.screen(), Not(HasSubstr("unseen")));
  EXPECT_THAT(shell.screen(), HasSubstr("GIVEN=7"));
  EXPECT_THAT(shell.screen(), HasSubstr("TERM=xterm"));
  EXPECT_THAT(shell.screen(), Not(HasSubstr("SECRET")));
}

TEST_F(Interactive, InTheWorkspaceWithTheCallersEnvironment) {
  write("notes", "before\n");
  environment()["CALLERS"] = "own";
  Terminal shell = exec({"--in-workspace", "--inherit-env", "--env", "EXTRA=1"},
                        {"sh", "-c", "echo $CALLERS $EXTRA; echo after >notes; exit 3"});
  EXPECT_EQ(shell.wait(), 3);
  EXPECT_THAT(shell.screen(), HasSubstr("own 1"));
  EXPECT_EQ(read("notes"), "after\n");
}

TEST_F(Interactive, TheInterruptKeyIsForTheProcess) {
  // Blocked and waited for, so that the key cannot come between the prompt and the wait.
  Terminal waiting = python(
      "import signal\n"
      "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGQUIT})\n"
      "print('ready', flush=True)\n"
      "print('got', signal.sigwait({signal.SIGINT}).name, flush=True)\n"
      "print('got', signal.sigwait({signal.SIGQUIT}).name, flush=True)\n"
      "exit(5)\n");
  ASSERT_TRUE(waiting.read_until("ready"));
  waiting.type("\x03");
  ASSERT_TRUE(waiting.read_until("got SIGINT"));
  waiting.type("\x1c");
  ASSERT_TRUE(waiting.read_until("got SIGQUIT"));
  EXPECT_EQ(waiting.wait(), 5);
}

TEST_F(Interactive, AShellStopsAndContinuesItAsOneJob) {
  Terminal shell({"bash", "--norc", "--noediting", "-i"}, environment(), workspace().string());
  ASSERT_TRUE(shell.read_until("shell$ "));
  shell.type(client().string() + " exec --interactive -- /usr/bin/python3 -q\n");
  ASSERT_TRUE(shell.read_until(">>> "));
  shell.type("\x1a");
  ASSERT_TRUE(shell.read_until("Stopped"));
  ASSERT_TRUE(shell.read_until("shell$ "));
  shell.type("fg\n");
  shell.type("6 * 7\n");
  ASSERT_TRUE(shell.read_until("\r\n42\r\n"));
  shell.type("exit(9)\n");
  ASSERT_TRUE(shell.read_until("shell$ "));
  shell.type("echo code=$?\n");
  ASSERT_TRUE(shell.read_until("code=9"));
  shell.type("exit\n");
  EXPECT_EQ(shell.wait(), 0);
}

TEST_F(Interactive, AProcessThatStopsItselfGivesTheShellItsPrompt) {
  Terminal shell({"bash", "--norc", "--noediting", "-i"}, environment(), workspace().string());
  ASSERT_TRUE(shell.read_until("shell$ "));
  shell.type(client().string() +
             " exec --interactive -- sh -c 'kill -STOP $$; echo continued; exit 6'\n");
  ASSERT_TRUE(shell.read_until("Stopped"));
  ASSERT_TRUE(shell.read_until("shell$ "));
  shell.type("fg\n");
  ASSERT_TRUE(shell.read_until("\ncontinued"));
  ASSERT_TRUE(shell.read_until("shell$ "));
  shell.type("echo code=$?; exit\n");
  ASSERT_TRUE(shell.read_until("code=6"));
  EXPECT_EQ(shell.wait(), 0);
}

TEST_F(Interactive, AFullScreenProgramLearnsOfTheWindowsSize) {
  // The signal is blocked and waited for, so that it cannot come before the wait.
  Terminal screen = python(
      "import curses, os, signal\n"
      "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})\n"
      "def show(s):\n"
      "  size = os.get_terminal_size()\n"
      "  s.clear(); s.addstr(0, 0, 'size %dx%d' % (size.lines, size.columns)); s.refresh()\n"
      "def main(s):\n"
      "  show(s)\n"
      "  signal.sigwait({signal.SIGWINCH})\n"
      "  show(s)\n"
      "  while s.getch() != ord('q'): pass\n"
      "curses.wrapper(main)\n");
  ASSERT_TRUE(screen.read_until("size 24x80"));
  screen.resize(30, 100);
  ASSERT_TRUE(screen.read_until("size 30x100"));
  screen.type("q");
  EXPECT_EQ(screen.wait(), 0);
}

TEST_F(Interactive, TheTerminalIsAsBeforeWhateverEndedTheProcess) {
  for (const std::string end : {"os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"}) {
    Terminal shell({"bash", "--norc", "--noediting", "-i"}, environment(), workspace().string());
    ASSERT_TRUE(shell.read_until("shell$ "));
    // The shell sets the terminal for its own editing; `cat` shows what a command is given.
    shell.type("echo ready; read line\n");
    ASSERT_TRUE(shell.read_until("\nready"));
    const termios before = shell.settings();
    shell.type("\n");
    ASSERT_TRUE(shell.read_until("shell$ "));
    shell.type(
        client().string() +
        " exec --interactive -- /usr/bin/python3 -c 'import os, signal, tty; tty.setraw(0); " +
        end + "'\n");
    ASSERT_TRUE(shell.read_until("shell$ "));
    shell.type("echo ready; read line\n");
    ASSERT_TRUE(shell.read_until("\nready"));
    const termios after = shell.settings();
    EXPECT_EQ(before.c_lflag, after.c_lflag) << end;
    EXPECT_EQ(before.c_iflag, after.c_iflag) << end;
    EXPECT_EQ(before.c_oflag, after.c_oflag) << end;
    shell.type("\n");
    shell.type("exit\n");
    shell.wait();
  }
}

TEST_F(Interactive, AnEditedInputStartsItAgain) {
  write("served.txt", "one\n");
  Terminal server =
      exec({"--input", "*.txt", "--restart"}, {"sh", "-c", "cat served.txt; exec sleep 1000"});
  ASSERT_TRUE(server.read_until("one"));
  write("unrelated", "");
  write("served.txt", "two\n");
  ASSERT_TRUE(server.read_until("two"));
  write("served.txt", "three\n");
  ASSERT_TRUE(server.read_until("three"));
  server.type("\x03");
  EXPECT_EQ(server.wait(), 130);
  EXPECT_TRUE(eventually([&] { return sandboxes() == 0; }));
}

TEST_F(Interactive, WhatItLeavesRunningIsKilled) {
  Terminal shell = exec({}, {"sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo left=$!"});
  ASSERT_TRUE(shell.read_until("left="));
  EXPECT_EQ(shell.wait(), 0);
  const int pid = std::stoi(shell.screen().substr(shell.screen().find("left=") + 5));
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
}

TEST_F(Interactive, WhatCannotBeStartedIsSaidAsForEveryProcess) {
  Terminal missing = exec({}, {"no-such-command"});
  EXPECT_EQ(missing.wait(), 127);
  EXPECT_THAT(missing.screen(), HasSubstr("cannot find 'no-such-command'"));
  write("data", "no program");
  Terminal data = exec({"--input", "data"}, {"./data"});
  EXPECT_EQ(data.wait(), 126);
}

TEST_F(Interactive, OptionsThatKeepSomethingAreRefused) {
  for (const Arguments& options :
       {Arguments{"--output-file", "x"}, {"--write"}, {"--timeout", "3"}, {"--json"}}) {
    Arguments arguments = {"exec", "--interactive"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {"--", "true"});
    const Outcome outcome = kiln(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << options.front();
    EXPECT_THAT(outcome.err, HasSubstr(options.front()));
  }
  EXPECT_EQ(kiln({"exec", "--restart", "--", "true"}).exit_code, 2);
  EXPECT_EQ(
      kiln({"exec", "--interactive", "--in-workspace", "--input", "*", "--", "true"}).exit_code, 2);
}

TEST_F(Interactive, WithoutATerminalItRunsOnThePipesItIsGiven) {
  const Outcome outcome = kiln({"exec", "--interactive", "--", "cat"}, "through");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "through");
}

TEST_F(Interactive, ItGoesOnWhenTheDaemonDies) {
  Terminal prompt = exec({}, {"/usr/bin/python3", "-q"});
  ASSERT_TRUE(prompt.read_until(">>> "));
  ::kill(static_cast<pid_t>(daemon_pid()), SIGKILL);
  prompt.type("6 * 7\n");
  ASSERT_TRUE(prompt.read_until("42"));
  prompt.type("exit(4)\n");
  EXPECT_EQ(prompt.wait(), 4);
}

// A goal of a daemon with rules of its own, which shows notes.txt and waits for an answer.
class InteractiveGoal : public Interactive {
 protected:
  InteractiveGoal() {
    environment()["KILN_DAEMON"] = KILND_PROBES;
    write("notes.txt", "first\n");
  }
  Terminal notes() {
    return Terminal({client().string(), "notes"}, environment(), workspace().string());
  }
};

TEST_F(InteractiveGoal, GetsTheExitCodeOfItsProcess) {
  Terminal goal = notes();
  ASSERT_TRUE(goal.read_until("first"));
  goal.type("7\n");
  EXPECT_EQ(goal.wait(), 1);
  EXPECT_THAT(goal.screen(), HasSubstr("the answer was 7"));
}

TEST_F(InteractiveGoal, BeginsAnewWhenWhatItReadChanges) {
  Terminal goal = notes();
  ASSERT_TRUE(goal.read_until("first"));
  write("unrelated", "");
  for (int edit = 0; edit < 25; ++edit) {
    const std::string note = "edit-" + std::to_string(edit) + ".";
    write("notes.txt", note + "\n");
    ASSERT_TRUE(goal.read_until(note));
  }
  goal.type("0\n");
  EXPECT_EQ(goal.wait(), 0);
  EXPECT_THAT(goal.screen(), HasSubstr("the answer was 0"));
}

TEST_F(InteractiveGoal, FailsWithTheReasonIfItsProcessCannotStart) {
  Terminal goal({client().string(), "notes", "--option", "probe.file=no-such-shell"}, environment(),
                workspace().string());
  EXPECT_EQ(goal.wait(), 127);
  EXPECT_THAT(goal.screen(), HasSubstr("cannot find 'no-such-shell'"));
}

TEST_F(InteractiveGoal, EndsWithItsClient) {
  Terminal goal = notes();
  ASSERT_TRUE(goal.read_until("first"));
  goal.signal(SIGTERM);
  EXPECT_EQ(goal.wait(), 143);
  EXPECT_TRUE(eventually([&] { return sandboxes() == 0; }));
}

}  // namespace
}  // namespace kiln::test
