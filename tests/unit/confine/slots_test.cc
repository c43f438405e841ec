#include "daemon/confine/slots.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/base/file.h"
#include "tests/support/eventually.h"
#include "tests/support/quiet_log.h"
#include "tests/support/temp_directory.h"

namespace kiln::confine {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr uint64_t kBytes = uint64_t{64} << 20;

struct Ended {
  std::string output;  // of both streams
  int exit_code = -1;
  size_t left_behind = 0;  // processes
};

// As `strict` is where it is not allowed: every test says why it is skipped.
class ConfinedProcess : public testing::Test {
 protected:
  void SetUp() override {
    auto started = Holder::start(kBytes);
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    if (const Support* none = std::get_if<Support>(&*started)) GTEST_SKIP() << none->to_string();
    auto holder = std::get<std::unique_ptr<Holder>>(std::move(*started));
    root_fd_ = holder->root_fd();
    slots_ = std::make_unique<Slots>(std::move(holder), 2, log_);
    const Support support = slots_->probe();
    if (!support.available()) GTEST_SKIP() << support.to_string();
  }

  Slot take(const View& view = {}) {
    auto slot = slots_->take(view);
    EXPECT_TRUE(slot.ok()) << slot.error().to_string();
    return *std::move(slot);
  }

  static Command shell(std::string script) {
    return {.executable = "/bin/sh",
            .argv = {"sh", "-c", std::move(script)},
            .env = {"PATH=/usr/bin:/bin"},
            .working_directory = std::string(kSandboxPath)};
  }

  // Runs to the end.
  static Result<Ended> run(Slot& slot, Command command) {
    std::array<int, 2> fds;
    EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
    const UniqueFd read_end(fds[0]);
    UniqueFd write_end(fds[1]);
    command.stdout_fd = write_end.get();
    command.stderr_fd = write_end.get();
    const os::ProcessLimits limits = os::plain_limits();
    command.limits = &limits;
    KILN_ASSIGN(const os::Child child, slot.start(command));
    std::string output;
    std::thread reader([&] { output = read_all(read_end.get(), "pipe").value(); });
    auto status = os::reap(child);
    const auto left = slot.settle(std::chrono::steady_clock::now() + std::chrono::seconds(10));
    write_end.reset();
    reader.join();
    KILN_TRY(status);
    KILN_TRY(left);
    return Ended{.output = output, .exit_code = status->exit_code, .left_behind = left->count};
  }
  static std::string output_of(Slot& slot, const std::string& script) {
    auto ended = run(slot, shell(script));
    return ended.ok() ? ended->output : ended.error().to_string();
  }
  std::string output_of(const std::string& script, const View& view = {}) {
    Slot slot = take(view);
    return output_of(slot, script);
  }

  static void put(const Slot& slot, const std::string& name, std::string_view content,
                  unsigned mode = 0644) {
    const UniqueFd fd(
        ::openat(slot.sandbox_fd(), name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode));
    ASSERT_TRUE(write_all(fd.get(), content, name).ok());
  }

  test::QuietLog log_;
  int root_fd_ = -1;
  std::unique_ptr<Slots> slots_;
};

TEST_F(ConfinedProcess, NoChildRemainsWhenAllIsOver) {
  ASSERT_TRUE(os::become_subreaper().ok());  // as the daemon is
  for (int i = 0; i < 4; ++i) output_of("(sleep 1000 &)");
  slots_.reset();
  siginfo_t info;
  EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1) << info.si_pid;
}

TEST_F(ConfinedProcess, SeesItsFilesAtOnePathAndWhatItMakesComesOut) {
  Slot slot = take();
  put(slot, "in", "text\n");
  EXPECT_EQ(output_of(slot, "pwd; ls -A; cat in; cp in out"), "/sandbox\nin\ntext\n");
  const UniqueFd out(::openat(slot.sandbox_fd(), "out", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(read_all(out.get(), "out").value(), "text\n");
}

TEST_F(ConfinedProcess, SeesOnlyWhatIsLent) {
  EXPECT_EQ(
      output_of("cd / && ls -d etc proc sandbox tmp usr; ls -d home root work run sys mnt host "
                "2>/dev/null; cat /etc/hostname; hostname; whoami >/dev/null && echo named"),
      "etc\nproc\nsandbox\ntmp\nusr\nsandbox\nsandbox\nnamed\n");
}

TEST_F(ConfinedProcess, IsNotTheFirstProcessAndHasTheUsersIds) {
  EXPECT_EQ(output_of("test $$ -ne 1 && id -u && id -g && umask && ulimit -n && cat"),
            std::to_string(::getuid()) + "\n" + std::to_string(::getgid()) + "\n0022\n1024\n");
}

TEST_F(ConfinedProcess, HasNoCapabilitiesAndAFilter) {
  const std::string status = output_of(
      "grep -E '^(CapPrm|CapEff|NoNewPrivs|Seccomp):' "
      "/proc/self/status | tr '\\t' ' '");
  EXPECT_EQ(status,
            "CapPrm: 0000000000000000\nCapEff: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n");
}

TEST_F(ConfinedProcess, EndsWithTheStatusOfTheCommand) {
  for (const auto& [script, code] : std::vector<std::pair<std::string, int>>{
           {"exit 7", 7}, {"kill -TERM $$", -SIGTERM}, {"kill -ABRT $$", -SIGABRT}}) {
    Slot slot = take();
    const auto ended = run(slot, shell(script));
    ASSERT_TRUE(ended.ok()) << ended.error().to_string();
    EXPECT_EQ(ended->exit_code, code) << script;
    EXPECT_EQ(ended->left_behind, 0u);
  }
}

TEST_F(ConfinedProcess, SaysWhyACommandCannotStart) {
  struct Case {
    std::string executable;
    ErrorCode code;
    std::string message;
  };
  for (const Case& one : std::vector<Case>{
           {"/no/such", ErrorCode::kCommandNotFound, "it does not exist in the sandbox"},
           {"./script", ErrorCode::kCommandNotFound, "interpreter /no/such/perl does not exist"},
           {"./data", ErrorCode::kCommandNotExecutable, "neither a program"},
           {"./in", ErrorCode::kCommandNotExecutable, "Permission denied"}}) {
    Slot slot = take();
    put(slot, "script", "#! /no/such/perl -w\n", 0755);
    put(slot, "data", "not a program", 0755);
    put(slot, "in", "#!/bin/sh\n", 0644);
    Command command = shell("");
    command.executable = one.executable;
    const auto ended = run(slot, command);
    ASSERT_FALSE(ended.ok()) << one.executable;
    EXPECT_EQ(ended.error().code(), one.code) << one.executable;
    EXPECT_THAT(ended.error().message(), HasSubstr(one.message));
  }
  siginfo_t info;
  EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), 0);
  EXPECT_EQ(info.si_pid, 0) << "a failed child was not reaped";
}

TEST_F(ConfinedProcess, WhatItLeavesRunningIsDeadWhenTheSlotIsSettled) {
  Slot slot = take();
  // It holds the output stream, whose end run() waits for after settling.
  const auto ended = run(slot, shell("(setsid sh -c 'trap \"\" TERM HUP INT; while :; do echo x "
                                     ">>log; done' &); while [ ! -s log ]; do :; done"));
  ASSERT_TRUE(ended.ok()) << ended.error().to_string();
  EXPECT_EQ(ended->left_behind, 1u);
  EXPECT_FALSE(slot.signal_all(SIGTERM).ok()) << "there is nothing left to enter";
}

TEST_F(ConfinedProcess, ASignalReachesAllOfThem) {
  Slot slot = take();
  Command command = shell("(setsid sleep 1000 &) ; echo >ready; exec sleep 1000");
  auto child = slot.start(command);
  ASSERT_TRUE(child.ok()) << child.error().to_string();
  ASSERT_TRUE(test::eventually([&] { return ::faccessat(slot.sandbox_fd(), "ready", 0, 0) == 0; }));
  ASSERT_TRUE(slot.signal_all(SIGTERM).ok());
  EXPECT_EQ(os::reap(*child)->exit_code, -SIGTERM);
}

TEST_F(ConfinedProcess, NothingOfItIsThereForTheNext) {
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(output_of("ls -A /sandbox /tmp /dev/shm | grep -v : | grep .;"
                        "ipcs -m | grep -c 0x; mkdir /tmp/d; chmod 0 /tmp/d; touch x /dev/shm/y; "
                        "ipcmk -M 100 >/dev/null; chmod 0500 /sandbox"),
              "0\n")
        << i;
  }
}

TEST_F(ConfinedProcess, OwnLoopbackWorksAndHasNoPastConnections) {
  const std::string script =
      "python3 -c '\n"
      "import socket, threading\n"
      "s = socket.socket(); s.bind((\"127.0.0.1\", 4711)); s.listen()\n"
      "c = socket.create_connection((\"localhost\", 4711)); a, _ = s.accept()\n"
      "a.sendall(b\"hi\"); print(c.recv(2).decode())\n"
      "a.close(); c.close()'";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(output_of(script, {.network = Network::kLoopback, .host_paths = {}}), "hi\n");
  }
  EXPECT_THAT(output_of(script), HasSubstr("unreachable")) << "without a network";
}

// A port of 127.0.0.1 that is listened on.
std::pair<UniqueFd, int> listen_on_host() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd.get(), 64), 0);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return {std::move(fd), ntohs(address.sin_port)};
}

UniqueFd listen_abstractly(const std::string& name) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd.get(), 64), 0);
  return fd;
}

constexpr const char* kTalk =
    "python3 -c '\n"
    "import socket, sys\n"
    "def can(family, address):\n"
    "    try: socket.socket(family).connect(address); return True\n"
    "    except OSError: return False\n"
    "print(can(socket.AF_INET, (\"127.0.0.1\", PORT)), can(socket.AF_UNIX, \"\\0NAME\"))'";

TEST_F(ConfinedProcess, TheHostsNetworkIsThereIfAskedForButNotItsAbstractSockets) {
  const auto [listener, port] = listen_on_host();
  const std::string name = "kiln-test-" + std::to_string(::getpid());
  const UniqueFd abstract = listen_abstractly(name);
  std::string script = kTalk;
  script.replace(script.find("PORT"), 4, std::to_string(port));
  script.replace(script.find("NAME"), 4, name);
  EXPECT_EQ(output_of(script), "False False\n");
  EXPECT_EQ(output_of(script, {.network = Network::kLoopback, .host_paths = {}}), "False False\n");
  const std::string with_host = output_of(script, {.network = Network::kHost, .host_paths = {}});
  EXPECT_THAT(with_host, StartsWith("True "));
  // Landlock's ABI 6 (Linux 6.12) can withhold them; older kernels cannot.
  if (::syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1) >= 6) {
    EXPECT_EQ(with_host, "True False\n");
  }
}

TEST_F(ConfinedProcess, LentPathsAreReadOnlyAndOthersBesideThemAreNotThere) {
  const test::TempDirectory host;
  host.write("tools/bin/hello", "#!/bin/sh\necho hello\n");
  host.write("beside", "");
  ::chmod(host.path().c_str(), 0755);
  ::chmod(host.path("tools/bin/hello").c_str(), 0755);
  const View view{.network = Network::kNone, .host_paths = {host.path("tools")}};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(output_of(host.path("tools/bin/hello") + "; ls " + host.path() + "; touch " +
                            host.path("tools/x") + " 2>/dev/null || echo read-only",
                        view),
              "hello\ntools\nread-only\n");
  }
  // A directory that was replaced is another one.
  std::filesystem::rename(host.path("tools"), host.path("old"));
  host.write("tools/bin/new", "");
  EXPECT_EQ(output_of("ls " + host.path("tools/bin"), view), "new\n");
}

TEST_F(ConfinedProcess, PathsThatCannotBeLentAreRefused) {
  for (const char* path :
       {"", "relative", "/", "/proc", "/proc/sys", "/sandbox/x", "/a/../b", "/x/"}) {
    const auto slot = slots_->take({.network = Network::kNone, .host_paths = {path}});
    ASSERT_FALSE(slot.ok()) << path;
    EXPECT_EQ(slot.error().code(), ErrorCode::kInvalidArgument);
  }
  const auto slot = slots_->take({.network = Network::kNone, .host_paths = {"/no/such/path"}});
  ASSERT_FALSE(slot.ok());
  EXPECT_THAT(slot.error().message(), HasSubstr("/no/such/path"));
}

TEST_F(ConfinedProcess, AttacksComeToNothing) {
  const test::TempDirectory host;
  host.write("secret", "secret");
  ::chmod(host.path().c_str(), 0755);
  const auto [listener, port] = listen_on_host();
  const std::string name = "kiln-attack-" + std::to_string(::getpid());
  const UniqueFd abstract = listen_abstractly(name);
  const UniqueFd leak(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  const Slot other = take();
  put(other, "secret", "of another sandbox");
  for (const Network network : {Network::kNone, Network::kLoopback}) {
    Slot slot = take({.network = network, .host_paths = {}});
    const std::string program = read_file(KILN_ATTACK).value();
    put(slot, "attack", program, 0755);
    Command command = shell("");
    command.executable = "./attack";
    command.argv = {"attack", host.path("secret"),        std::to_string(port),
                    name,     std::to_string(::getpid()), "kiln-test-key"};
    const auto ended = run(slot, command);
    ASSERT_TRUE(ended.ok()) << ended.error().to_string();
    EXPECT_THAT(ended->output, Not(HasSubstr("could")));
    EXPECT_THAT(ended->output, HasSubstr("tried 1"));
    EXPECT_EQ(ended->exit_code, 0);
    EXPECT_EQ(ended->left_behind, 1u) << "the daemon that it left";
  }
}

size_t entries_of(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
}

TEST_F(ConfinedProcess, NothingGrowsWithTheNumberOfProcesses) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  for (int i = 0; i < 20; ++i) output_of("(sleep 1000 &)");
  ASSERT_TRUE(test::eventually([&] { return entries_of(root_fd_) <= 2 + 5; }));
  const auto before = descriptors();
  for (int i = 0; i < 60; ++i) output_of(i % 3 == 0 ? "(sleep 1000 &)" : "touch x");
  EXPECT_TRUE(test::eventually([&] {
    return entries_of(root_fd_) <= 2 + 5 && descriptors() <= before + 12;
  })) << entries_of(root_fd_)
      << " directories, " << descriptors() << " descriptors";
}

TEST_F(ConfinedProcess, TheHolderTakesAllOfThemAlong) {
  Slot slot = take();
  auto child = slot.start(shell("exec sleep 1000"));
  ASSERT_TRUE(child.ok()) << child.error().to_string();
  // The process that owns the slots is the only child of this name.
  const auto self = std::to_string(::getpid());
  for (const std::string& pid : [&] {
         std::vector<std::string> pids;
         std::istringstream children(read_file("/proc/self/task/" + self + "/children").value());
         for (std::string one; children >> one;) pids.push_back(one);
         return pids;
       }()) {
    if (read_file("/proc/" + pid + "/comm").value() == "kiln-holder\n") {
      ::kill(std::atoi(pid.c_str()), SIGKILL);
    }
  }
  EXPECT_EQ(os::reap(*child)->exit_code, -SIGKILL);
  (void)slot.settle(std::chrono::steady_clock::now());
  const auto next = slots_->take({.network = Network::kLoopback, .host_paths = {}});
  ASSERT_FALSE(next.ok());
  EXPECT_THAT(next.error().message(), HasSubstr("daemon restart"));
}

// Root and ordinary users take the same way, through the same calls, with other rights.
TEST(ConfinedProcessOfAnOrdinaryUser, TheSameHolds) {
  if (::getuid() != 0) GTEST_SKIP() << "this is an ordinary user";
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::execlp("setpriv", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             "--bounding-set=-all", "--inh-caps=-all", self.c_str(),
             "--gtest_filter=ConfinedProcess.*", "--gtest_brief=1", nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace kiln::confine
