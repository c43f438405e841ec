#include "daemon/os/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "common/base/file.h"
#include "tests/support/eventually.h"

namespace kiln::os {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr ProcessTag kTag = 0x7357'0000'0000'0000;

// Longer than any kill takes.
std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

class Spawn : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(become_subreaper().ok()); }

  Spawn() {
    std::string path = testing::TempDir() + "spawn-XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    directory_fd_ = UniqueFd(::open(path.c_str(), O_DIRECTORY | O_CLOEXEC));
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    read_end_ = UniqueFd(fds[0]);
    write_end_ = UniqueFd(fds[1]);
  }
  ~Spawn() override { std::filesystem::remove_all(directory_); }

  SpawnRequest shell(std::string script) {
    return SpawnRequest{.executable = "/bin/sh",
                        .argv = {"sh", "-c", std::move(script)},
                        .env = {"PATH=/usr/bin:/bin"},
                        .working_directory_fd = directory_fd_.get(),
                        .stdout_fd = write_end_.get(),
                        .stderr_fd = write_end_.get(),
                        .tag = 0};
  }
  void write(const std::string& name, std::string_view content, unsigned mode) {
    auto fd = open_file(directory_ + "/" + name, O_WRONLY | O_CREAT, mode);
    ASSERT_TRUE(fd.ok());
    ASSERT_TRUE(write_all(fd->get(), content, name).ok());
  }
  // Runs to the end; what was written to both streams.
  std::string output_of(const SpawnRequest& request, int expected_exit = 0) {
    auto child = spawn(request);
    if (!child.ok()) return child.error().to_string();
    write_end_.reset();
    std::string output = *read_all(read_end_.get(), "pipe");
    EXPECT_EQ(reap(*child)->exit_code, expected_exit);
    return output;
  }

  std::string directory_;
  UniqueFd directory_fd_;
  UniqueFd read_end_;
  UniqueFd write_end_;
};

TEST_F(Spawn, EnvironmentAndDirectoryAreExactlyThoseGiven) {
  SpawnRequest request = shell("");
  request.executable = "/usr/bin/env";
  request.argv = {"env"};
  request.env = {"B=2", "A=1 1"};
  EXPECT_EQ(output_of(request), "B=2\nA=1 1\n");
}

TEST_F(Spawn, WorkingDirectory) {
  SpawnRequest request = shell("");
  request.executable = "/bin/pwd";
  request.argv = {"pwd", "-P"};
  EXPECT_EQ(output_of(request), std::filesystem::canonical(directory_).string() + "\n");
}

TEST_F(Spawn, ChildHasOnlyItsThreeStreams) {
  const UniqueFd leak(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  ASSERT_TRUE(leak.valid());
  // ls itself opens the directory it lists.
  SpawnRequest request = shell("");
  request.executable = "/bin/ls";
  request.argv = {"ls", "/proc/self/fd"};
  EXPECT_EQ(output_of(request), "0\n1\n2\n3\n");
}

TEST_F(Spawn, StdinIsEmpty) { EXPECT_EQ(output_of(shell("cat; echo end")), "end\n"); }

TEST_F(Spawn, SignalsAndMaskAreReset) {
  struct sigaction before;
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGPIPE, &ignore, &before), 0);
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  SpawnRequest request = shell("");
  request.executable = "/bin/grep";
  request.argv = {"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"};
  EXPECT_EQ(output_of(request), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  ::sigaction(SIGPIPE, &before, nullptr);
  ::pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
}

TEST_F(Spawn, UmaskIsFixed) {
  const mode_t before = ::umask(077);
  EXPECT_EQ(output_of(shell("umask")), "0022\n");
  ::umask(before);
}

TEST_F(Spawn, LeadsItsOwnGroup) {
  auto child = spawn(shell("exec sleep 100"));
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(::getpgid(child->pid), child->pid);
  signal_family(*child, SIGKILL);
  EXPECT_EQ(reap(*child)->exit_code, -SIGKILL);
}

TEST_F(Spawn, ASignalReachesAProcessThatChangedItsGroup) {
  write("move.py",
        "import os, time\n"
        "child = os.fork()\n"
        "if child == 0: os.setpgid(0, 0); time.sleep(100)\n"
        "while os.getpgid(child) != child: time.sleep(.001)\n"
        "os.setpgid(0, child); open('moved', 'w').close(); time.sleep(100)\n",
        0644);
  auto child = spawn(shell("exec python3 move.py"));
  ASSERT_TRUE(child.ok());
  ASSERT_TRUE(test::eventually([&] { return ::getpgid(child->pid) != child->pid; }));
  const pid_t group = ::getpgid(child->pid);
  signal_family(*child, SIGKILL);
  EXPECT_EQ(reap(*child)->exit_code, -SIGKILL);
  ASSERT_EQ(::kill(group, SIGKILL), 0);  // the one that it left behind comes to this process
  siginfo_t info;
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(group), &info, WEXITED), 0);
}

TEST_F(Spawn, LimitsAreThoseThatAreAskedFor) {
  const ProcessLimits limits = plain_limits();
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit odd{.rlim_cur = 777, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &odd), 0);
  SpawnRequest request = shell("ulimit -Sn; ulimit -Sc; ulimit -Ss");
  request.limits = &limits;
  EXPECT_EQ(output_of(request), "1024\n0\n8192\n");
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(Spawn, AChildThatIsTracedIsNotWaitedForWithoutEnd) {
  auto child = spawn(shell("exec sleep 100"));
  ASSERT_TRUE(child.ok());
  const auto tracer =
      spawn(shell("exec python3 -c 'import ctypes, time; "
                  "libc = ctypes.CDLL(None); libc.ptrace(0x4206, " +
                  std::to_string(child->pid) + ", 0, 0); time.sleep(100)'"));
  ASSERT_TRUE(tracer.ok());
  ASSERT_TRUE(test::eventually([&] {
    const auto status = read_file("/proc/" + std::to_string(child->pid) + "/status");
    return status.ok() &&
           status->find("TracerPid:\t" + std::to_string(tracer->pid)) != std::string::npos;
  }));
  signal_family(*child, SIGKILL);
  const auto held =
      reap_until(*child, std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(held->has_value());
  signal_family(*tracer, SIGKILL);
  EXPECT_EQ(reap(*tracer)->exit_code, -SIGKILL);
  const auto ended = reap_until(*child, soon());
  ASSERT_TRUE(ended.ok() && ended->has_value());
  EXPECT_EQ((*ended)->exit_code, -SIGKILL);
}

TEST_F(Spawn, ExitCodesAndSignals) {
  for (const auto& [script, code] :
       std::vector<std::pair<std::string, int>>{{"exit 0", 0},
                                                {"exit 255", 255},
                                                {"kill -TERM $$", -SIGTERM},
                                                {"kill -SEGV $$", -SIGSEGV}}) {
    auto child = spawn(shell(script));
    ASSERT_TRUE(child.ok());
    EXPECT_EQ(reap(*child)->exit_code, code) << script;
  }
}

TEST_F(Spawn, PidfdIsReadableAtTheEnd) {
  auto child = spawn(shell("exit 3"));
  ASSERT_TRUE(child.ok());
  pollfd ended{.fd = child->pidfd.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ended, 1, 10000), 1);
  EXPECT_EQ(reap(*child)->exit_code, 3);
}

TEST_F(Spawn, RelativeExecutableIsFoundInTheWorkingDirectory) {
  write("tool", "#!/bin/sh\necho \"$@\"\n", 0755);
  SpawnRequest request = shell("");
  request.executable = "./tool";
  request.argv = {"./tool", "x y"};
  EXPECT_EQ(output_of(request), "x y\n");
}

struct Refusal {
  std::string name;
  std::string content;  // empty: no file
  unsigned mode;
  ErrorCode code;
  std::string message;
};

TEST_F(Spawn, SaysWhyACommandCannotStart) {
  ASSERT_EQ(::mkdir((directory_ + "/dir").c_str(), 0755), 0);
  const std::vector<Refusal> refusals = {
      {"./missing", "", 0, ErrorCode::kCommandNotFound, "./missing: it does not exist"},
      {"./script", "#! /no/such/perl -w\n", 0755, ErrorCode::kCommandNotFound,
       "its interpreter /no/such/perl does not exist"},
      {"./windows", "#!/bin/sh\r\n", 0755, ErrorCode::kCommandNotFound,
       "/bin/sh\\x0d does not exist"},
      {"./crlf", "#!/usr/bin/env\r\n", 0755, ErrorCode::kCommandNotFound, "carriage return"},
      {"./data", "not a program", 0755, ErrorCode::kCommandNotExecutable, "neither a program"},
      {"./plain", "#!/bin/sh\n", 0644, ErrorCode::kCommandNotExecutable, "Permission denied"},
      {"./dir", "", 0, ErrorCode::kCommandNotExecutable, "Permission denied"},
      {"./script/x", "", 0, ErrorCode::kCommandNotFound, "it does not exist"},
  };
  for (const Refusal& refusal : refusals) {
    if (!refusal.content.empty()) write(refusal.name, refusal.content, refusal.mode);
    SpawnRequest request = shell("");
    request.executable = refusal.name;
    auto child = spawn(request);
    ASSERT_FALSE(child.ok()) << refusal.name;
    EXPECT_EQ(child.error().code(), refusal.code) << refusal.name;
    EXPECT_THAT(child.error().message(), HasSubstr(refusal.message));
  }
  siginfo_t info;
  EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1) << "a failed child was not reaped";
}

TEST_F(Spawn, AnExecutableThatAnotherThreadsChildHoldsOpenIsWaitedFor) {
  // Threads write fresh scripts and start them at once, while others clone: without the retry
  // some of these would be ETXTBSY.
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string name = "tool-" + std::to_string(t) + "-" + std::to_string(i);
        write(name, "#!/bin/true\n", 0755);
        SpawnRequest request = shell("");
        request.executable = name;
        auto child = spawn(request);
        if (!child.ok() || reap(*child)->exit_code != 0) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

bool alive(pid_t pid) {
  // A zombie is dead for all that matters here.
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  return stat.ok() && (*stat)[stat->rfind(')') + 2] != 'Z';
}

// Starts a daemon the classic way, which writes its pid to the pipe and sleeps. The process itself
// ends when the daemon runs.
constexpr const char* kDaemonize =
    "mkfifo ready; (setsid sh -c 'echo $$; echo > ready; exec sleep 100 >/dev/null 2>&1' &)\n"
    "read line < ready";

TEST_F(Spawn, ATagFindsADaemonThatLeftGroupAndSession) {
  for (const bool with_birth : {true, false}) {
    std::filesystem::remove(directory_ + "/ready");
    SpawnRequest request = shell(kDaemonize);
    request.tag = kTag | 1;
    auto child = spawn(request);
    ASSERT_TRUE(child.ok());
    EXPECT_EQ(reap(*child)->exit_code, 0);
    std::array<char, 32> line{};
    ASSERT_TRUE(read_some(read_end_.get(), line, "pipe").ok());
    const pid_t pid = std::atoi(line.data());
    ASSERT_TRUE(alive(pid));
    EXPECT_EQ(kill_tagged(kTag | 2, std::nullopt, soon()).count, 0u) << "another tag";
    const Killed killed =
        kill_tagged(kTag | 1, with_birth ? std::optional(child->birth) : std::nullopt, soon());
    EXPECT_EQ(killed.count, 1u);
    EXPECT_TRUE(killed.complete);
    EXPECT_FALSE(alive(pid));
    EXPECT_EQ(::kill(pid, 0), -1) << "not reaped";
  }
}

TEST_F(Spawn, AYoungFamilyIsFoundAmongTheNewestPids) {
  SpawnRequest request = shell("(setsid sleep 100 >/dev/null 2>&1 &)");
  request.tag = kTag | 4;
  auto child = spawn(request);
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(reap(*child)->exit_code, 0);
  Birth just_now = child->birth;
  just_now.time = steady_clock::now();  // whatever this machine's speed: the short way is taken
  EXPECT_EQ(kill_tagged(kTag | 4, just_now, soon()).count, 1u);
  EXPECT_EQ(kill_tagged(kTag | 4, std::nullopt, soon()).count, 0u);
}

TEST_F(Spawn, LeftoversMatchByMask) {
  SpawnRequest request = shell(kDaemonize);
  request.tag = kTag | 0x50003;
  auto child = spawn(request);
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(reap(*child)->exit_code, 0);
  EXPECT_EQ(kill_tagged_matching(~ProcessTag{0xffff}, kTag | 0x60000, soon()).count, 0u);
  EXPECT_EQ(kill_tagged_matching(~ProcessTag{0xffff}, kTag | 0x50000, soon()).count, 1u);
}

TEST_F(Spawn, ManyDescendantsThatForkWhileTheyAreHunted) {
  SpawnRequest request = shell(
      "for i in 1 2 3 4 5; do (setsid sh -c 'while :; do sleep 0.01 & done' >/dev/null 2>&1 &); "
      "done");
  request.tag = kTag | 7;
  auto child = spawn(request);
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(reap(*child)->exit_code, 0);
  EXPECT_GE(kill_tagged(kTag | 7, child->birth, soon()).count, 1u);
  EXPECT_EQ(kill_tagged(kTag | 7, std::nullopt, soon()).count, 0u);
}

TEST_F(Spawn, TheChildDiesWithTheThreadThatStartedIt) {
  Result<Child> child = environment_error(ErrorCode::kInternal, "not started");
  std::thread([&] { child = spawn(shell("exec sleep 100")); }).join();
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(reap(*child)->exit_code, -SIGKILL);
}

}  // namespace
}  // namespace kiln::os
