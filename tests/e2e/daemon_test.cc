// `kiln daemon`: one daemon, whatever happens.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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
  EXPECT_EQ("kiln " + status.value("version", "") + "\n", kiln({"--version"}).out);
  EXPECT_GE(status.value("uptime_seconds", -1.0), 0.0);
  EXPECT_EQ(status["workspaces"], nlohmann::json::array());
  EXPECT_EQ(status["counters"].value("process.memoized", -1), 0);
  EXPECT_EQ(kiln({"exec", "--", "true"}).exit_code, 0);
  const auto later = kiln_json({"daemon", "status", "--json"});
  EXPECT_EQ(later["workspaces"], nlohmann::json({workspace().string()}));
  EXPECT_GT(later.value("memo_nodes", 0), 0);
  EXPECT_EQ(later.value("runs_in_flight", -1), 0);
  const std::string text = kiln({"daemon", "status"}).out;
  EXPECT_NE(text.find("1 ran, 0 from the store, 0 memoized"), std::string::npos) << text;
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 24) << text;
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
  int replaced = 0;
  for (const auto& entry : fs::directory_iterator(runtime_dir())) {
    if (entry.path().extension() == ".start") {
      fs::path socket = entry.path();
      socket.replace_extension(".sock");
      write_file(socket, "not a socket");
      ++replaced;
    }
  }
  ASSERT_EQ(replaced, 1);
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

TEST_F(DaemonCommands, ADaemonWhoseHomeIsRemovedMakesWayForANewOne) {
  for (const fs::path& removed : {home(), home() / "store"}) {
    EXPECT_EQ(kiln({"exec", "--", "echo", "before"}).out, "before\n");
    const int64_t pid = daemon_pid();
    fs::remove_all(removed);
    const Outcome outcome = kiln({"exec", "--output-file", "f", "--", "sh", "-c",
                                  "head -c 200000 /dev/zero > f; echo after"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "after\n");
    EXPECT_FALSE(alive(pid));
    EXPECT_NE(daemon_pid(), pid);
    EXPECT_EQ(counter("process.ran"), 1) << "what was removed is not known any more";
    EXPECT_EQ(kiln({"daemon", "stop"}).exit_code, 0);
  }
}

TEST_F(DaemonCommands, ABatchTooFindsTheDaemonOfTheNewHome) {
  kiln({"daemon", "start"});
  fs::remove_all(home());
  const Outcome outcome = kiln({"exec", "--batch", "-"}, R"({"argv": ["/bin/echo", "hello"]})");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(counter("process.ran"), 1);
}

TEST_F(DaemonCommands, ADaemonWhoseHomeIsReplacedWhileItWorksGivesUpAndSaysWhy) {
  Command client = start({"exec", "--", "sh", "-c", "echo on; exec sleep 1000"});
  ASSERT_TRUE(client.read_until("on\n"));
  const int64_t pid = daemon_pid();
  fs::rename(home(), temp_path() / "moved");
  EXPECT_EQ(kiln({"exec", "--", "echo", "new"}).out, "new\n");
  EXPECT_NE(client.wait().exit_code, 0);
  EXPECT_FALSE(alive(pid));
  EXPECT_NE(slurp(temp_path() / "moved/log/kilnd.log").find("was removed or replaced"),
            std::string::npos);
}

TEST_F(DaemonCommands, ASecondDaemonOfTheSameHomeIsRefused) {
  kiln({"daemon", "start"});
  const std::string pid = std::to_string(daemon_pid());
  const Outcome outcome = run({daemon().string()}, {environment(), "/", ""});
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_NE(outcome.err.find("another kilnd, process " + pid), std::string::npos) << outcome.err;
  EXPECT_EQ(std::to_string(daemon_pid()), pid);
}

TEST_F(DaemonCommands, SigtermEndsAnIdleDaemon) {
  kiln({"daemon", "start"});
  const int64_t pid = daemon_pid();
  ::kill(static_cast<pid_t>(pid), SIGTERM);
  EXPECT_TRUE(eventually([&] { return !alive(pid); }));
}

TEST_F(DaemonCommands, ALogIsFollowedIntoTheNextFile) {
  const Outcome none = kiln({"daemon", "log"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_NE(none.err.find("no daemon has run"), std::string::npos) << none.err;
  kiln({"daemon", "start"});
  Command follower = start({"daemon", "log", "-f"});
  ASSERT_TRUE(follower.read_until(" serves "));
  // What the rotation does.
  fs::rename(home() / "log/kilnd.log", home() / "log/kilnd.1.log");
  write_file(home() / "log/kilnd.log", "the next file\n");
  EXPECT_TRUE(follower.read_until("the next file\n"));
  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait().exit_code, 130);
}

// Whether the process `pid`, which exits with 0 for yes, said yes.
bool said_yes(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(DaemonCommands, AnotherUserIsRefusedEvenWithTheDoorsOpen) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user needs root";
  kiln({"daemon", "start"});
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  for (const auto& entry : fs::directory_iterator(runtime_dir())) {
    if (!entry.is_socket()) continue;
    entry.path().string().copy(address.sun_path, sizeof address.sun_path - 1);
    ::chmod(entry.path().c_str(), 0666);
  }
  for (fs::path dir = runtime_dir(); dir != dir.root_path(); dir = dir.parent_path()) {
    struct stat st;
    ASSERT_EQ(::stat(dir.c_str(), &st), 0);
    ::chmod(dir.c_str(), st.st_mode | 0011);
  }
  // Only system calls: the child of a process with threads may do no more.
  const auto hears = [&](uid_t user) {
    const pid_t pid = ::fork();
    if (pid != 0) return said_yes(pid);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const bool connected =
        ::setresuid(user, user, user) == 0 &&
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    // A server of HTTP/2 speaks without being asked.
    char byte;
    ::_exit(!connected ? 2 : ::read(fd, &byte, 1) == 1 ? 0 : 1);
  };
  EXPECT_TRUE(hears(0));
  EXPECT_FALSE(hears(65534));
  EXPECT_TRUE(eventually(
      [&] { return slurp(home() / "log/kilnd.log").find("of user 65534") != std::string::npos; }));
  ::chmod(runtime_dir().c_str(), 0700);
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
