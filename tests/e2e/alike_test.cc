// What a process is given does not depend on who started the daemon, and kiln works inside kiln.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::HasSubstr;

class Alike : public KilnTest {
 protected:
  // What a process of kiln is told by `script`; run anew each time.
  std::string said_by(const std::string& script) {
    return kiln({"exec", "--cache", "session", "--", "sh", "-c", script}).out;
  }
  // Starts the daemon from a shell that ran `setup` before.
  Outcome start_daemon_after(const std::string& setup) {
    return run({"/bin/sh", "-c", setup + "; exec " + client().string() + " daemon start"},
               {environment(), workspace().string(), ""});
  }
};

constexpr const char* kState =
    "ulimit -a | grep -v locks; nproc; nice; umask; cat /proc/self/oom_score_adj; "
    "grep -E 'SigBlk|SigIgn' /proc/self/status; cat /proc/self/personality";

TEST_F(Alike, WhoStartedTheDaemonMakesNoDifference) {
  const std::string plain = said_by(kState);
  ASSERT_THAT(plain, HasSubstr("8192"));
  for (const char* setup : {"ulimit -Sn 99", "ulimit -Sf 100", "ulimit -Ss 1024", "ulimit -St 1000",
                            "ulimit -Sv 40000000", "umask 077", "trap '' CHLD HUP TERM XFSZ",
                            "echo 500 > /proc/self/oom_score_adj"}) {
    stop_daemon();
    ASSERT_EQ(start_daemon_after(setup).exit_code, 0) << setup;
    EXPECT_EQ(said_by(kState), plain) << setup;
  }
}

TEST_F(Alike, OneProcessorOfTheFirstShellIsNotThatOfAll) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "this machine has one processor";
  const std::string plain = said_by("nproc");
  stop_daemon();
  ASSERT_EQ(start_daemon_after("taskset -p 1 $$ >/dev/null").exit_code, 0);
  EXPECT_EQ(said_by("nproc"), plain);
}

TEST_F(Alike, AFileSizeLimitOfTheFirstShellCutsNothing) {
  // A hard limit: either the daemon may raise it, or it must not start under it.
  const Outcome started = start_daemon_after("ulimit -f 100");
  if (started.exit_code != 0) EXPECT_THAT(started.err, HasSubstr("ulimit -Hf"));
  const Outcome made = kiln(
      {"exec", "--output-file", "o", "--write", "--", "sh", "-c", "head -c 300000 /dev/zero > o"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(read("o").size(), 300'000u);
}

TEST_F(Alike, ADaemonUnderAHardLimitMakesRoomForABetterOne) {
  ASSERT_EQ(start_daemon_after("ulimit -n 512").exit_code, 0);
  EXPECT_EQ(said_by("ulimit -Sn"), "1024\n");
}

TEST_F(Alike, TheStatusIsOfTheDaemonThatWillServeTheCaller) {
  ASSERT_EQ(start_daemon_after("ulimit -s 1024").exit_code, 0);
  const int64_t pid = daemon_pid();
  EXPECT_EQ(said_by("ulimit -Ss"), "8192\n");
  EXPECT_EQ(daemon_pid(), pid);
}

TEST_F(Alike, KilnInsideKilnDoesNotWaitForItself) {
  environment()["KILN_JOBS"] = "1";
  const std::string inner = client().string() + " exec --cache session -- ";
  // Three deep in one slot, and two inner ones at once.
  const Outcome outcome =
      kiln({"exec", "--cache", "session", "--timeout", "60", "--env", "KILN_HOME", "--env",
            "KILN_RUNTIME_DIR", "--env", "KILN_SANDBOX_LEVEL", "--", "sh", "-c",
            inner + "echo one & " + inner + "echo two & wait; " + client().string() +
                " exec --cache session --env KILN_HOME --env KILN_RUNTIME_DIR "
                "--env KILN_SANDBOX_LEVEL -- sh -c '" +
                inner + "echo three'"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("one"));
  EXPECT_THAT(outcome.out, HasSubstr("two"));
  EXPECT_THAT(outcome.out, HasSubstr("three"));
  EXPECT_EQ(counter("process.slots_lent"), 0);
  EXPECT_EQ(counter("process.running"), 0);
}

TEST_F(Alike, ASparseOutputIsSparseInTheWorkspace) {
  const Outcome outcome = kiln({"exec", "--output-file", "image", "--write", "--", "sh", "-c",
                                "truncate -s 32M image; echo end >> image"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  struct stat st;
  ASSERT_EQ(::stat((workspace() / "image").c_str(), &st), 0);
  EXPECT_EQ(st.st_size, (32 << 20) + 4);
  EXPECT_LT(st.st_blocks, 1000);
}

}  // namespace
}  // namespace kiln::test
