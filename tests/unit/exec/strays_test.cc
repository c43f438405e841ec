// What tries to outlive its process by shedding what kiln finds it by.

#include <signal.h>
#include <sys/wait.h>

#include <thread>

#include "daemon/os/spawn.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

class Strays : public ExecTest {
 protected:
  static bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

  Process python(const std::string& script) {
    Process process = command({"/usr/bin/python3", "script.py"});
    process.inputs = tree({file("script.py", script)});
    process.timeout = std::chrono::seconds(60);
    return process;
  }
  pid_t pid_in(const std::string& path) {
    const auto text = read_file(path);
    return text.ok() && text->ends_with('\n') ? std::stoi(*text) : 0;
  }
};

// Leaves group and session, takes off the tag, closes everything, and tells its pid.
constexpr const char* kShed =
    "import os, resource, sys, time\n"
    "def shed(path):\n"
    "  os.setsid(); resource.setrlimit(10, (1, resource.getrlimit(10)[1]))\n"
    "  os.closerange(0, 3)\n"
    "  with open(path + '.new', 'w') as f: f.write(str(os.getpid()) + '\\n')\n"
    "  os.rename(path + '.new', path)\n"
    "def wait_for(path):\n"
    "  while not os.path.exists(path): time.sleep(.001)\n";

TEST_F(Strays, ThatShedTheirTagAreKilled) {
  const std::string told = scratch_ + "/told";
  const std::string script = std::string(kShed) + "if os.fork() == 0:\n  shed('" + told +
                             "')\n  os.chdir('/')\n  time.sleep(100)\nwait_for('" + told + "')\n";
  auto result = run(python(script));
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_EQ(result->result.exit_code, 0);
  ASSERT_GT(pid_in(told), 0);
  EXPECT_FALSE(exists(pid_in(told)));
}

TEST_F(Strays, OfStraysAreKilled) {
  const std::string told = scratch_ + "/told";
  // Three generations that each shed their tag; only the last is still asleep in the sandbox.
  const std::string script = std::string(kShed) +
                             "for i in range(3):\n"
                             "  if os.fork() != 0: wait_for('" +
                             told +
                             "2'); break\n"
                             "  shed('" +
                             told +
                             "' + str(i))\n"
                             "else: time.sleep(100)\n";
  auto result = run(python(script));
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  for (const char* i : {"0", "1", "2"}) EXPECT_FALSE(exists(pid_in(told + i))) << i;
}

TEST_F(Strays, AreOnlyKilledWithTheirOwnFamily) {
  runner();
  const std::string told = scratch_ + "/told";
  const std::string go = scratch_ + "/go";
  // Its stray is an orphan at once, and stays in its own sandbox.
  std::thread keeper([&] {
    auto result = run(
        python(std::string(kShed) + "if os.fork() == 0:\n  if os.fork() == 0:\n    shed('" + told +
               "'); time.sleep(100)\n  os._exit(0)\nos.wait()\nwait_for('" + go + "')\n"));
    EXPECT_TRUE(result.ok());
  });
  ASSERT_TRUE(test::eventually([&] { return pid_in(told) > 0; }));
  const pid_t stray = pid_in(told);
  EXPECT_EQ(output_of(shell("echo other")), "other\n");
  EXPECT_TRUE(exists(stray)) << "it belongs to a process that is alive";
  std::ofstream(go) << "go";
  keeper.join();
  EXPECT_FALSE(exists(stray));
}

TEST_F(Strays, NeverComeIntoTheNextSandbox) {
  const std::string told = scratch_ + "/told";
  const std::string script =
      std::string(kShed) + "if os.fork() == 0:\n  shed('" + told +
      "')\n  d = os.open('.', os.O_RDONLY)\n  while True:\n    try: os.fchdir(d); open('evil', "
      "'w').close()\n    except OSError: pass\nwait_for('" +
      told + "')\n";
  ASSERT_TRUE(run(python(script)).ok());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(output_of(shell("ls -A")), "");
}

TEST_F(Strays, MadeAsSiblingsAreKilled) {
  // clone(CLONE_PARENT | SIGCHLD): a child of whoever started the process.
  const std::string told = scratch_ + "/told";
  const std::string script = std::string(kShed) +
                             "import ctypes\n"
                             "if ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:\n"
                             "  shed('" +
                             told +
                             "'); time.sleep(100)\n"
                             "wait_for('" +
                             told + "')\n";
  auto result = run(python(script));
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  ASSERT_GT(pid_in(told), 0);
  EXPECT_FALSE(exists(pid_in(told)));
}

TEST_F(Strays, ATimeoutReachesAProcessThatChangedItsGroup) {
  Process process = python(
      "import os, signal, time\n"
      "signal.signal(15, signal.SIG_IGN)\n"
      "p = os.fork()\n"
      "if p == 0: os.setpgid(0, 0); time.sleep(100)\n"
      "while os.getpgid(p) != p: time.sleep(.001)\n"
      "os.setpgid(0, p); time.sleep(100)\n");
  process.timeout = std::chrono::milliseconds(500);
  auto result = run(process);
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->result.exit_code, 124);
}

TEST_F(Strays, AProcessThatCannotBeReapedIsGivenUp) {
  // Somebody else traces it: it is dead, and stays a zombie until the tracer lets it go. The tracer
  // is there before the runner, so it is no stray.
  const std::string told = scratch_ + "/told";
  const std::string traced = scratch_ + "/traced";
  const auto tracer =
      os::spawn(os::SpawnRequest{.executable = "/usr/bin/python3",
                                 .argv = {"python3", "-c",
                                          "import ctypes, os, time\n"
                                          "while not os.path.exists('" +
                                              told +
                                              "'): time.sleep(.001)\n"
                                              "pid = int(open('" +
                                              told +
                                              "').read())\n"
                                              "ctypes.CDLL(None).ptrace(0x4206, pid, 0, 0)\n"
                                              "open('" +
                                              traced + "', 'w').close(); time.sleep(100)\n"},
                                 .env = {}});
  ASSERT_TRUE(tracer.ok());
  patience_ = std::chrono::milliseconds(50);
  Process process = shell("echo $$ > " + told + ".new; mv " + told + ".new " + told +
                          "; while [ ! -e " + traced + " ]; do :; done; exec sleep 100");
  process.timeout = std::chrono::seconds(2);
  auto result = run(process);
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(counters_["process.not_ended"].value(), 1);
  EXPECT_THAT(log_.lines(), testing::Contains(testing::HasSubstr("is not used again")));
  // Its slot and its runner go on.
  EXPECT_EQ(output_of(shell("echo next")), "next\n");
  os::signal_family(*tracer, SIGKILL);
  ASSERT_TRUE(os::reap(*tracer).ok());
  const pid_t pid = pid_in(told);
  EXPECT_TRUE(test::eventually([&] {
    EXPECT_EQ(output_of(shell("echo next")), "next\n");
    return !exists(pid);
  })) << "reaped once that is possible";
}

}  // namespace
}  // namespace kiln::exec
