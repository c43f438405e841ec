// The daemon is in nobody's way: when it stops, hangs, loses its socket, or lacks what it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class DaemonLife : public KilnTest {
 protected:
  // A command line of a shell, with the test's environment; "kiln" is the client.
  Outcome shell(const std::string& script) {
    auto env = environment();
    env["PATH"] = client().parent_path().string() + ":/usr/bin:/bin:/usr/sbin:/sbin";
    return run({"/bin/bash", "-c", script}, {env, workspace().string(), ""});
  }
  static nlohmann::json parsed(const Outcome& outcome) {
    auto json = nlohmann::json::parse(outcome.out, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << outcome.out << outcome.err;
    return json;
  }
  std::string socket() {
    std::string path = kiln({"daemon", "socket"}).out;
    if (!path.empty()) path.pop_back();
    return path;
  }
};

TEST_F(DaemonLife, EveryCommandOfTheFamilyPrintsJson) {
  EXPECT_EQ(parsed(kiln({"daemon", "status", "--json"}))["running"], false);
  EXPECT_EQ(parsed(kiln({"daemon", "socket", "--json"}))["running"], false);
  const auto started = parsed(kiln({"daemon", "start", "--json"}));
  EXPECT_EQ(started["started"], true);
  EXPECT_EQ(started["pid"], daemon_pid());
  EXPECT_EQ(started["socket"], socket());
  EXPECT_EQ("kiln " + started.value("version", "") + "\n", kiln({"--version"}).out);
  EXPECT_TRUE(fs::is_socket(socket()));
  EXPECT_EQ(parsed(kiln({"daemon", "start", "--json"}))["started"], false);
  const auto status = kiln_json({"daemon", "status", "--json"});
  EXPECT_EQ(status["socket"], socket());
  EXPECT_EQ(status["stopping"], false);
  EXPECT_THAT(status["capabilities"].dump(), HasSubstr("digests.read_blob"));
  EXPECT_EQ(parsed(kiln({"daemon", "restart", "--json"}))["started"], true);
  const std::string log = kiln({"daemon", "log", "--json"}).out;
  EXPECT_TRUE(nlohmann::json::parse(log.substr(0, log.find('\n'))).contains("line"));
  EXPECT_EQ(parsed(kiln({"daemon", "stop", "--json"}))["stopped"], true);
  EXPECT_EQ(parsed(kiln({"daemon", "stop", "--json"}))["stopped"], false);
}

TEST_F(DaemonLife, AStoppingDaemonServesUntilItsWorkIsDoneAndSaysWhatThatIs) {
  ASSERT_EQ(::mkfifo((workspace() / "gate").c_str(), 0600), 0);
  const std::string gate = (workspace() / "gate").string();
  Command client =
      start({"exec", "--description", "the long one", "--", "sh", "-c", "echo on; cat " + gate});
  ASSERT_TRUE(client.read_until("on\n"));
  Command stopper = start({"daemon", "stop"});
  EXPECT_TRUE(stopper.read_error_until("the long one"));
  const auto status = kiln_json({"daemon", "status", "--json"});
  EXPECT_EQ(status["stopping"], true);
  EXPECT_THAT(status["requests"].dump(), HasSubstr("exec the long one"));
  // A request that came from the work itself would come here, too.
  EXPECT_EQ(kiln({"exec", "--", "echo", "served"}).out, "served\n");
  const int64_t pid = daemon_pid();
  Command starter = start({"daemon", "start"});
  EXPECT_TRUE(starter.read_error_until("is stopping"));
  write_file(gate, "finished\n");
  EXPECT_EQ(client.wait().out, "on\nfinished\n");
  EXPECT_EQ(stopper.wait().exit_code, 0);
  EXPECT_EQ(starter.wait().exit_code, 0);
  EXPECT_NE(daemon_pid(), pid);
}

TEST_F(DaemonLife, AStoppedDaemonIsNamedAndAnInterruptEndsTheWait) {
  kiln({"daemon", "start"});
  const auto pid = static_cast<pid_t>(daemon_pid());
  ::kill(pid, SIGSTOP);
  Command client = start({"exec", "--", "echo", "hello"});
  EXPECT_TRUE(client.read_error_until("process " + std::to_string(pid) + ", does not answer"));
  Command impatient = start({"exec", "--", "true"});
  EXPECT_TRUE(impatient.read_error_until("kill -CONT " + std::to_string(pid)));
  impatient.signal(SIGINT);
  EXPECT_EQ(impatient.wait().exit_code, 130);
  environment()["KILN_DAEMON_TIMEOUT"] = "1";
  const Outcome gave_up = kiln({"exec", "--", "true"});
  EXPECT_EQ(gave_up.exit_code, 125);
  EXPECT_THAT(gave_up.err, HasSubstr("KILN_DAEMON_TIMEOUT"));
  ::kill(pid, SIGCONT);
  EXPECT_EQ(client.wait().out, "hello\n");
}

TEST_F(DaemonLife, AForcedStopKillsADaemonThatDoesNotAnswer) {
  kiln({"daemon", "start"});
  const auto pid = static_cast<pid_t>(daemon_pid());
  ::kill(pid, SIGSTOP);
  const Outcome stopped = kiln({"daemon", "stop", "--force"});
  EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_EQ(kiln({"exec", "--", "echo", "next"}).out, "next\n");
  EXPECT_NE(daemon_pid(), pid);
}

TEST_F(DaemonLife, ASocketThatIsRemovedIsMadeAgain) {
  kiln({"daemon", "start"});
  const int64_t pid = daemon_pid();
  const std::string path = socket();
  for (const bool whole_directory : {false, true}) {
    whole_directory ? fs::remove_all(runtime_dir()) : fs::remove(path) ? 1u : 0u;
    const Outcome outcome = kiln({"exec", "--", "echo", "back"});
    EXPECT_EQ(outcome.out, "back\n") << outcome.err;
    EXPECT_EQ(daemon_pid(), pid) << "the daemon that was there";
    struct stat st;
    ASSERT_EQ(::stat(runtime_dir().c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0700u);
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u);
  }
  fs::remove_all(runtime_dir());
  EXPECT_EQ(kiln({"daemon", "restart"}).exit_code, 0);
  EXPECT_NE(daemon_pid(), pid);
}

TEST_F(DaemonLife, ClientsWithoutADescriptorAreToldSo) {
  ASSERT_EQ(shell("ulimit -n 128; kiln daemon start").exit_code, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket().copy(address.sun_path, sizeof address.sun_path - 1);
  std::vector<int> held;
  for (int i = 0; i < 200; ++i) {
    held.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(held.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }
  // The refused ones leave after a second or two, and then a newcomer is told why.
  std::string said;
  EXPECT_TRUE(eventually([&] {
    said = kiln({"exec", "--", "true"}).err;
    return said.find("no file descriptors left") != std::string::npos;
  })) << said;
  EXPECT_THAT(said, HasSubstr("its limit is 128"));
  for (const int fd : held) ::close(fd);
  EXPECT_TRUE(eventually([&] { return kiln({"exec", "--", "echo", "x"}).out == "x\n"; }));
  const std::string log = slurp(home() / "log/kilnd.log");
  EXPECT_LT(log.size(), 20000u) << "told once, not for each";
}

TEST_F(DaemonLife, AStartWithoutMemoryNamesTheLimit) {
  for (const char* kilobytes : {"150000", "300000", "700000"}) {
    const Outcome outcome = shell("ulimit -v " + std::string(kilobytes) + "; kiln daemon start");
    EXPECT_EQ(outcome.exit_code, 125) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("ulimit -v"));
    EXPECT_THAT(outcome.err, Not(HasSubstr("terminate called")));
  }
}

TEST_F(DaemonLife, ADaemonInAnotherMountNamespaceServesThoseWhoSeeTheSameFiles) {
  if (shell("unshare -m true").exit_code != 0) GTEST_SKIP() << "mount namespaces need root";
  write("src/f", "outside");
  fs::create_directories(temp_path() / "other");
  write_file(temp_path() / "other/f", "inside");
  const std::string cat = "kiln exec --input 'src/**' -- cat src/f";
  ASSERT_EQ(shell(cat).out, "outside");
  const int64_t pid = daemon_pid();
  const Outcome same = shell("unshare -m sh -c \"" + cat + "\"");
  EXPECT_EQ(same.out, "outside") << same.err;
  const Outcome hidden = shell("unshare -m sh -c \"mount -t tmpfs -o mode=700 none " +
                               runtime_dir().string() + " && " + cat + "\"");
  EXPECT_EQ(hidden.out, "outside") << hidden.err;
  EXPECT_EQ(daemon_pid(), pid);
  const Outcome other = shell("unshare -m sh -c \"mount --bind " +
                              (temp_path() / "other").string() + " src && " + cat + "\"");
  EXPECT_EQ(other.exit_code, 125) << other.out;
  EXPECT_THAT(other.err, HasSubstr("another mount namespace"));
  EXPECT_THAT(other.err, HasSubstr((workspace() / "src").string()));
  EXPECT_THAT(other.err, HasSubstr("KILN_HOME"));
}

TEST_F(DaemonLife, AClientInAnotherPidNamespaceIsToldNoProcessNumber) {
  if (shell("unshare -m -p -f --mount-proc true").exit_code != 0) {
    GTEST_SKIP() << "PID namespaces need root";
  }
  kiln({"daemon", "start"});
  const std::string pid = std::to_string(daemon_pid());
  const Outcome served =
      shell("unshare -m -p -f --kill-child --mount-proc kiln exec -- echo hello");
  EXPECT_EQ(served.out, "hello\n") << served.err;
  const Outcome hidden =
      shell("unshare -m -p -f --kill-child --mount-proc bash -c 'mount -t tmpfs -o mode=700 none " +
            runtime_dir().string() + " && kiln exec -- true; exit $?'");
  EXPECT_EQ(hidden.exit_code, 125);
  EXPECT_THAT(hidden.err, HasSubstr("another container"));
  EXPECT_THAT(hidden.err, Not(HasSubstr(pid)));
  EXPECT_THAT(hidden.err, Not(HasSubstr("kill ")));
}

TEST_F(DaemonLife, ACallWithoutEffectsOutlivesItsDaemon) {
  std::string text(64, 'x');
  for (int i = 0; i < 3000; ++i) write("many/" + std::to_string(i), text + std::to_string(i));
  const std::string digest = kiln({"digest", "capture", "many/**"}).out;
  for (int round = 0; round < 5; ++round) {
    write("many/0", std::to_string(round));
    const auto pid = static_cast<pid_t>(daemon_pid());
    Command capture = start({"digest", "capture", "many/**"});
    ::kill(pid, SIGKILL);
    const Outcome outcome = capture.wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out, digest);
  }
}

TEST_F(DaemonLife, AFileIsReadByItsOwnDigest) {
  const auto result = exec_json({}, "head -c 100000 /dev/zero | tr '\\0' a");
  const std::string bytes = kiln({"digest", "cat", result.value("stdout_digest", "")}).out;
  EXPECT_EQ(bytes, std::string(100000, 'a'));
  const Outcome missing = kiln({"digest", "cat", std::string(64, '0') + "/3"});
  EXPECT_NE(missing.exit_code, 0);
}

}  // namespace
}  // namespace kiln::test
