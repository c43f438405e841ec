// `kiln daemon`: one daemon, whatever happens.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

class DaemonCommands : public KilnTest {};

// A process that has ended but that nobody reaped yet is not alive.
bool alive(int64_t pid) {
  const std::string stat = slurp("/proc/" + std::to_string(pid) + "/stat");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

TEST_F(DaemonCommands, StartStatusStop) {
  EXPECT_EQ(kiln({"daemon", "status"}).exit_code, 1);
  EXPECT_EQ(kiln({"daemon", "start"}).exit_code, 0);
  const auto status = kiln_json({"daemon", "status", "--json"});
  for (const char* field : {"pid", "version", "uptime_seconds", "workspaces", "watches",
                            "memo_nodes", "memo_bytes", "counters", "runs_in_flight"}) {
    EXPECT_TRUE(status.contains(field)) << field << " in " << status;
  }
  const int64_t pid = daemon_pid();
  EXPECT_TRUE(alive(pid));
  EXPECT_EQ(kiln({"daemon", "start"}).exit_code, 0);
  EXPECT_EQ(daemon_pid(), pid);
  EXPECT_EQ(kiln({"daemon", "stop"}).exit_code, 0);
  EXPECT_FALSE(alive(pid));
  EXPECT_EQ(kiln({"daemon", "stop"}).exit_code, 0);
  EXPECT_NE(kiln({"daemon", "log"}).out.find("has stopped"), std::string::npos);
}

TEST_F(DaemonCommands, RestartIsAnotherProcess) {
  kiln({"daemon", "start"});
  const int64_t pid = daemon_pid();
  EXPECT_EQ(kiln({"daemon", "restart"}).exit_code, 0);
  EXPECT_NE(daemon_pid(), pid);
  EXPECT_FALSE(alive(pid));
}

TEST_F(DaemonCommands, TwoHundredClientsAtOnceStartExactlyOne) {
  std::vector<Command> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(start({"exec", "--", "sh", "-c", "echo $PPID"}));
  for (Command& client : clients) {
    const Outcome outcome = client.wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  const std::string log = slurp(home() / "log/kilnd.log");
  size_t started = 0;
  for (size_t at = 0; (at = log.find(" serves ", at)) != std::string::npos; ++at) ++started;
  EXPECT_EQ(started, 1u) << log;
  EXPECT_EQ(counter("process.ran"), 1);
}

TEST_F(DaemonCommands, ADeadDaemonsLeftoversNeedNobody) {
  kiln({"daemon", "start"});
  const int64_t pid = daemon_pid();
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  // Its socket is still there.
  EXPECT_FALSE(fs::is_empty(runtime_dir()));
  EXPECT_EQ(kiln({"exec", "--", "echo", "hello"}).out, "hello\n");
  EXPECT_NE(daemon_pid(), pid);
}

TEST_F(DaemonCommands, AStaleSocketAndGarbageInItsPlaceAreReplaced) {
  kiln({"daemon", "start"});
  kiln({"daemon", "stop"});
  for (const auto& entry : fs::directory_iterator(runtime_dir())) {
    if (entry.path().extension() == ".start") {
      fs::path socket = entry.path();
      socket.replace_extension(".sock");
      write_file(socket, "not a socket");
    }
  }
  EXPECT_EQ(kiln({"exec", "--", "echo", "hello"}).out, "hello\n");
}

TEST_F(DaemonCommands, ADaemonKilledInMidRequestIsReportedAndTheProcessDies) {
  Command client = start({"exec", "--", "sh", "-c", "echo $$; exec sleep 1000"});
  ASSERT_TRUE(client.read_until("\n"));
  ::kill(static_cast<pid_t>(daemon_pid()), SIGKILL);
  const Outcome outcome = client.wait();
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_NE(outcome.err.find("kilnd.log"), std::string::npos) << outcome.err;
  const auto pid = static_cast<pid_t>(std::stoi(outcome.out));
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
  EXPECT_EQ(kiln({"exec", "--", "echo", "again"}).out, "again\n");
}

TEST_F(DaemonCommands, StopWaitsForWhatRuns) {
  ASSERT_EQ(::mkfifo((workspace() / "gate").c_str(), 0600), 0);
  const std::string gate = (workspace() / "gate").string();
  Command client = start({"exec", "--", "sh", "-c", "echo on; cat " + gate});
  ASSERT_TRUE(client.read_until("on\n"));
  Command stopper = start({"daemon", "stop"});
  ASSERT_TRUE(eventually(
      [&] { return slurp(home() / "log/kilnd.log").find("stopping") != std::string::npos; }));
  write_file(gate, "finished\n");
  const Outcome outcome = client.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "on\nfinished\n");
  EXPECT_EQ(stopper.wait().exit_code, 0);
}

TEST_F(DaemonCommands, StopDoesNotWaitForALoopThatWaitsForChanges) {
  write("a.sh", "#!/bin/sh\nls $1\n");
  Command loop = start({"lint", "--loop", "a.sh"});
  ASSERT_TRUE(loop.read_until("a.sh:2:4"));
  const int64_t pid = daemon_pid();
  EXPECT_EQ(kiln({"daemon", "stop"}).exit_code, 0);
  EXPECT_FALSE(alive(pid));
  const Outcome outcome = loop.wait();
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_NE(outcome.err.find("the daemon is shutting down"), std::string::npos) << outcome.err;
}

TEST_F(DaemonCommands, LeavesWhenIdle) {
  environment()["KILN_IDLE_TIMEOUT"] = "1";
  kiln({"daemon", "start"});
  const int64_t pid = daemon_pid();
  EXPECT_TRUE(eventually([&] { return !alive(pid); }));
  EXPECT_NE(slurp(home() / "log/kilnd.log").find("nothing to do"), std::string::npos);
}

TEST_F(DaemonCommands, IsFoundFromAnotherRuntimeDirectory) {
  kiln({"daemon", "start"});
  const int64_t pid = daemon_pid();
  environment()["KILN_RUNTIME_DIR"] = (temp_path() / "cron").string();
  EXPECT_EQ(daemon_pid(), pid);
  EXPECT_EQ(kiln({"exec", "--", "echo", "hello"}).out, "hello\n");
  EXPECT_EQ(daemon_pid(), pid);
  EXPECT_EQ(kiln({"daemon", "restart"}).exit_code, 0);
  EXPECT_FALSE(alive(pid));
  environment()["KILN_RUNTIME_DIR"] = runtime_dir().string();
  EXPECT_EQ(kiln({"exec", "--", "echo", "back"}).out, "back\n");
}

TEST_F(DaemonCommands, ClientsOfTwoRuntimeDirectoriesAtOnceStartExactlyOne) {
  std::vector<Command> clients;
  for (int i = 0; i < 20; ++i) {
    environment()["KILN_RUNTIME_DIR"] = (temp_path() / ("run" + std::to_string(i % 2))).string();
    clients.push_back(start({"exec", "--", "echo", "hello"}));
  }
  for (Command& client : clients) {
    const Outcome outcome = client.wait();
    EXPECT_EQ(outcome.out, "hello\n") << outcome.err;
  }
  EXPECT_EQ(counter("process.ran"), 1);
}

TEST_F(DaemonCommands, ADaemonWhoseSocketIsGoneIsNamedAtOnce) {
  kiln({"daemon", "start"});
  const int64_t pid = daemon_pid();
  // As at the end of a login session.
  fs::remove_all(runtime_dir());
  const Outcome outcome = kiln({"exec", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_NE(outcome.err.find("kill " + std::to_string(pid)), std::string::npos) << outcome.err;
  ::kill(static_cast<pid_t>(pid), SIGTERM);
  EXPECT_TRUE(eventually([&] { return !alive(pid); }));
  EXPECT_EQ(kiln({"exec", "--", "echo", "again"}).out, "again\n");
}

TEST_F(DaemonCommands, ASecondDaemonOfTheSameHomeIsRefused) {
  kiln({"daemon", "start"});
  const std::string pid = std::to_string(daemon_pid());
  const Outcome outcome = run({daemon().string()}, {environment(), "/", ""});
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_NE(outcome.err.find("another kilnd, process " + pid), std::string::npos) << outcome.err;
  EXPECT_EQ(std::to_string(daemon_pid()), pid);
}

TEST_F(DaemonCommands, TheSocketIsPrivate) {
  kiln({"daemon", "start"});
  struct stat st;
  ASSERT_EQ(::stat(runtime_dir().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat(home().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
}

TEST_F(DaemonCommands, ARuntimeDirectoryThatOthersCanEnterIsRefused) {
  fs::create_directories(runtime_dir());
  ::chmod(runtime_dir().c_str(), 0777);
  const Outcome outcome = kiln({"exec", "--", "true"});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("KILN_RUNTIME_DIR"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace kiln::test
