// Sandboxes in memory, in file systems of a known size that the test mounts.
#include "daemon/exec/sandbox_memory.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SandboxMemoryTest : public ExecTest {
 protected:
  ~SandboxMemoryTest() override {
    runner_.reset();
    memory_.reset();
    if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
  }

  // A tmpfs at place_. False, with the test skipped, where this user may mount nothing.
  bool mount(const char* options, unsigned long flags = 0) {
    place_ = scratch_ + "/memory";
    fs::create_directory(place_);
    mounted_ = ::mount("tmpfs", place_.c_str(), "tmpfs", flags, options) == 0;
    return mounted_;
  }
  std::string why_not() {
    auto made = SandboxMemory::open(place_, 7, counters_, log_);
    return made.ok() ? "it can" : made.error().to_string();
  }
  // The runner of ExecTest, with memory.
  void start() {
    auto memory = SandboxMemory::open(place_, 7, counters_, log_);
    ASSERT_TRUE(memory.ok()) << memory.error().to_string();
    memory_ = *std::move(memory);
    SandboxOptions options;
    options.directory = sandboxes_;
    options.memory = memory_.get();
    options.instance = static_cast<uint32_t>(::getpid());
    auto made = make_sandbox_runner(options, *store_, pool_, counters_, log_);
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    runner_ = *std::move(made);
  }
  int64_t count(const char* name) { return counters_[name].value(); }

  std::string place_;
  bool mounted_ = false;
  std::unique_ptr<SandboxMemory> memory_;
};

#define MOUNT_OR_SKIP(...) \
  if (!mount(__VA_ARGS__)) GTEST_SKIP() << "only root may mount a tmpfs"

TEST_F(SandboxMemoryTest, ProcessesRunInMemoryAndLeaveNothing) {
  MOUNT_OR_SKIP("size=64m,mode=1777");
  start();
  EXPECT_THAT(output_of(shell("pwd")), HasSubstr(memory_->use().directory + "/run-"));
  EXPECT_EQ(count("sandbox.in_memory"), 1);
  runner_.reset();
  memory_.reset();
  EXPECT_TRUE(fs::is_empty(place_));
}

TEST_F(SandboxMemoryTest, AProcessThatFillsTheMemoryRunsAgainOnDisk) {
  MOUNT_OR_SKIP("size=16m,mode=1777");
  start();
  Process process = shell("head -c 40000000 /dev/zero > big && wc -c < big");
  process.output_files = paths({"big"});
  EXPECT_EQ(output_of(process), "40000000\n");
  EXPECT_EQ(count("sandbox.outgrown"), 1);
}

TEST_F(SandboxMemoryTest, AProcessThatHidesThatTheMemoryWasFullRunsAgainToo) {
  MOUNT_OR_SKIP("size=16m,mode=1777");
  start();
  Process process = shell("head -c 40000000 /dev/zero > big; wc -c < big");
  EXPECT_EQ(output_of(process), "40000000\n");
}

TEST_F(SandboxMemoryTest, AProcessThatWaitsInAFullMemoryIsStoppedAndRunsOnDisk) {
  MOUNT_OR_SKIP("size=16m,mode=1777");
  start();
  // It ends only where there is room.
  EXPECT_EQ(output_of(shell("while ! head -c 40000000 /dev/zero > big 2> /dev/null; do :; done; "
                            "wc -c < big")),
            "40000000\n");
  EXPECT_EQ(count("process.cancelled"), 0) << "nobody cancelled it";
}

TEST_F(SandboxMemoryTest, InputsThatDoNotFitAreMadeOnDisk) {
  MOUNT_OR_SKIP("size=16m,mode=1777");
  start();
  Process process = shell("pwd");
  process.inputs = tree({file("big", std::string(size_t{6} << 20, 'x'))});
  EXPECT_THAT(output_of(process), HasSubstr(sandboxes_));
  EXPECT_EQ(count("sandbox.in_memory"), 0);
}

TEST_F(SandboxMemoryTest, ASandboxThatIsToBeKeptIsOnDisk) {
  MOUNT_OR_SKIP("size=64m,mode=1777");
  start();
  const auto result = run(shell("exit 1"), {.keep = KeepSandboxes::kAlways});
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_THAT(result->kept_sandbox, HasSubstr(sandboxes_));
}

TEST_F(SandboxMemoryTest, CancellingEndsAProcessInMemoryAndItRunsNowhereElse) {
  MOUNT_OR_SKIP("size=64m,mode=1777");
  start();
  std::stop_source stop;
  std::jthread canceller([&] {
    test::eventually([&] { return count("sandbox.in_memory") == 1; });
    stop.request_stop();
  });
  const auto result = run(shell("sleep 600"), {.stop = stop.get_token()});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(count("process.cancelled"), 1);
  EXPECT_EQ(count("sandbox.outgrown"), 0);
}

TEST_F(SandboxMemoryTest, ADirectoryThatSomebodyRemovesIsReplacedByDisk) {
  MOUNT_OR_SKIP("size=64m,mode=1777");
  start();
  fs::remove_all(memory_->use().directory);
  EXPECT_THAT(output_of(shell("pwd")), HasSubstr(sandboxes_));
}

TEST_F(SandboxMemoryTest, WhatDeadDaemonsLeftIsRemovedAndWhatLivesIsNot) {
  MOUNT_OR_SKIP("size=64m,mode=1777");
  const std::string own = "/kiln-" + std::to_string(::getuid()) + "-";
  fs::create_directories(place_ + own + "0000dead/run-1-1/deep");
  fs::create_directories(place_ + own + "00000007/run-1-1/deep");
  fs::create_directories(place_ + "/kiln-other");
  const auto alive = SandboxMemory::open(place_, 8, counters_, log_);
  ASSERT_TRUE(alive.ok()) << alive.error().to_string();
  EXPECT_FALSE(fs::exists(place_ + own + "0000dead"));
  start();
  EXPECT_TRUE(fs::exists(place_ + own + "00000008"));
  EXPECT_TRUE(fs::exists(place_ + "/kiln-other"));
  EXPECT_TRUE(test::eventually([&] { return !fs::exists(place_ + own + "00000007/run-1-1"); }));
  EXPECT_THAT(why_not(), HasSubstr("is in use there"));
}

TEST_F(SandboxMemoryTest, APlaceThatDoesNotServeIsAnErrorThatSaysWhy) {
  place_ = "/proc";
  EXPECT_THAT(why_not(), HasSubstr("not in memory"));
  place_ = "relative";
  EXPECT_THAT(why_not(), HasSubstr("absolute"));
  MOUNT_OR_SKIP("size=64m,mode=1777", MS_NOEXEC);
  EXPECT_THAT(why_not(), HasSubstr("noexec"));
  ASSERT_EQ(::mount(nullptr, place_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_THAT(why_not(), HasSubstr("read-only"));
  ASSERT_EQ(::mount(nullptr, place_.c_str(), nullptr, MS_REMOUNT, nullptr), 0);
  ASSERT_EQ(::chmod(place_.c_str(), 0777), 0);
  EXPECT_THAT(why_not(), HasSubstr("sticky"));
  ASSERT_EQ(::chmod(place_.c_str(), 0700), 0);
  fs::create_directory_symlink("/", place_ + "/kiln-" + std::to_string(::getuid()) + "-00000007");
  EXPECT_THAT(why_not(), HasSubstr("not a directory of this user"));
  EXPECT_TRUE(fs::exists("/usr"));
}

}  // namespace
}  // namespace kiln::exec
