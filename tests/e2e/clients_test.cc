// Many clients of one daemon: everyone gets their own answer, equal work runs once, and nobody is
// hurt by who leaves.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

class Clients : public KilnTest {};

struct Question {
  std::string workspace;
  std::vector<std::string> lint;
};

// Every combination of four workspaces, four sets of specs and four of options. Of the workspaces
// the first and third hold the same, as the second and fourth do.
class LintingClients : public Clients {
 protected:
  LintingClients() {
    for (int w = 0; w < 4; ++w) {
      write_file(workspace_of(w) / "kiln.toml", "");
      for (const char* file : {"bin/one.sh", "bin/two", "top.sh", "sub/deep/three.sh"}) {
        write_file(workspace_of(w) / file,
                   "#!/bin/sh\nls $1 # " + std::string(file) + std::to_string(w % 2) + "\nfi\n");
      }
    }
  }
  std::filesystem::path workspace_of(int w) const {
    return temp_path() / ("w" + std::to_string(w));
  }
  std::vector<Question> questions() const {
    const std::vector<Arguments> specs = {{"::"}, {"bin:"}, {"top.sh", "sub/"}, {"::", "-bin::"}};
    const std::vector<Arguments> options = {
        {},
        {"--option", "shellcheck.args=--severity=error"},
        {"--json", "--option", "shellcheck.args=--exclude=SC2086"},
        {"--option", "shellcheck.skip=true"}};
    std::vector<Question> all;
    for (int w = 0; w < 4; ++w) {
      for (const Arguments& spec : specs) {
        for (const Arguments& option : options) {
          // What ran, and how long it took, depends on who else asked.
          Question question{workspace_of(w), {"lint", "--progress", "none"}};
          question.lint.insert(question.lint.end(), spec.begin(), spec.end());
          question.lint.insert(question.lint.end(), option.begin(), option.end());
          all.push_back(std::move(question));
        }
      }
    }
    return all;
  }
};

TEST_F(LintingClients, OfDifferentWorkspacesSpecsAndOptionsGetTheAnswersThatEachWouldGetAlone) {
  const std::vector<Question> all = questions();
  ASSERT_EQ(all.size(), 64u);
  std::vector<Command> clients;
  for (const Question& question : all) {
    clients.push_back(start_in(question.workspace, question.lint));
  }
  // Two more that want what others want, and leave.
  Command interrupted = start_in(all[0].workspace, all[0].lint);
  Command killed = start_in(all[21].workspace, all[21].lint);
  interrupted.signal(SIGINT);
  killed.signal(SIGKILL);
  std::vector<Outcome> together;
  for (Command& client : clients) together.push_back(client.wait());
  const int64_t ran = counter("process.ran");
  EXPECT_EQ(ran, 24) << "four files of two contents, with three sets of arguments";

  // Another daemon, which knows nothing, and one client at a time.
  stop_daemon();
  environment()["KILN_HOME"] = (temp_path() / "another").string();
  for (size_t i = 0; i < all.size(); ++i) {
    const Outcome alone = kiln_in(all[i].workspace, all[i].lint);
    EXPECT_EQ(together[i].exit_code, alone.exit_code) << i << together[i].err;
    EXPECT_EQ(together[i].out, alone.out) << i;
    EXPECT_EQ(together[i].err, alone.err) << i;
  }
  EXPECT_EQ(counter("process.ran"), ran);
}

class WaitingClients : public Clients {
 protected:
  WaitingClients() {
    environment()["KILN_DAEMON"] = KILND_PROBES;
    EXPECT_EQ(::mkfifo(gate().c_str(), 0600), 0);
    EXPECT_EQ(kiln({"daemon", "start"}).exit_code, 0);
  }
  std::string gate() const { return (temp_path() / "gate").string(); }
  // One that waits, with all others, for the process that reads the gate.
  Command waiting() { return start({"gate", "--option", "probe.file=" + gate()}); }
};

TEST_F(WaitingClients, OfOneGoalAreNotHurtByThoseWhoLeave) {
  Command starter = waiting();
  ASSERT_TRUE(eventually([&] { return counter("process.running") == 1; }));
  Command second = waiting();
  Command third = waiting();
  ASSERT_TRUE(eventually([&] { return counter("memo.joined") == 2; }));
  starter.signal(SIGINT);
  EXPECT_EQ(starter.wait().exit_code, 130);
  third.signal(SIGKILL);
  EXPECT_EQ(third.wait().exit_code, 128 + SIGKILL);
  write_file(gate(), "through\n");
  const Outcome outcome = second.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "through\n");
  EXPECT_EQ(counter("process.ran"), 1);
  EXPECT_EQ(counter("process.cancelled"), 0);
}

TEST_F(WaitingClients, LeaveNothingRunningWhenTheLastOfThemIsKilled) {
  Command starter = waiting();
  ASSERT_TRUE(eventually([&] { return counter("process.running") == 1; }));
  Command second = waiting();
  ASSERT_TRUE(eventually([&] { return counter("memo.joined") == 1; }));
  starter.signal(SIGKILL);
  second.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return counter("process.cancelled") == 1; }));
  EXPECT_TRUE(eventually([&] { return counter("process.running") == 0; }));
}

// Whether `pid` still holds SIGINT back, to treat it in its own way.
bool blocks_interrupt(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigBlk:")) continue;
    return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1) & 1) != 0;
  }
  return false;
}

// Whether all threads of `pid` stand still: a signal to stop reaches one after another.
bool has_stopped(pid_t pid) {
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("State:") && line.find('T') == std::string::npos) return false;
    }
  }
  return true;
}

TEST_F(WaitingClients, LeaveAtOnceAtTheSecondCtrlCEvenIfTheDaemonDoesNotAnswer) {
  Command client = waiting();
  ASSERT_TRUE(eventually([&] { return counter("process.running") == 1; }));
  const auto daemon = static_cast<pid_t>(daemon_pid());
  ::kill(daemon, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return has_stopped(daemon); }));
  client.signal(SIGINT);
  EXPECT_TRUE(eventually([&] { return !blocks_interrupt(client.pid()); }));
  client.signal(SIGINT);
  const Outcome outcome = client.wait();
  ::kill(daemon, SIGCONT);
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_TRUE(outcome.by_signal) << "it did not wait to be told that its run is cancelled";
  EXPECT_TRUE(eventually([&] { return counter("process.cancelled") == 1; }));
}

}  // namespace
}  // namespace kiln::test
