// Timeouts, cancellation, and what outlives the process that was asked for.

#include <signal.h>
#include <sys/wait.h>

#include <future>
#include <sstream>
#include <thread>

#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Termination : public ExecTest {
 protected:
  static bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

  // The pids, one a line, that a process printed.
  static std::vector<pid_t> pids(const std::string& text) {
    std::istringstream lines(text);
    std::vector<pid_t> result;
    for (pid_t pid; lines >> pid;) result.push_back(pid);
    return result;
  }
};

// A child in the group; one in a session of its own; one that double-forked into a session of its
// own and closed everything. Each prints its pid, and says in a fifo that it has.
constexpr const char* kFamily =
    "mkfifo ready; exec 3<>ready; echo $$\n"
    "sh -c 'echo $$; echo >&3; exec sleep 1000' & read x <&3\n"
    "setsid sh -c 'echo $$; echo >&3; exec sleep 1000' & read x <&3\n"
    "(setsid sh -c 'echo $$; echo >&3; exec sleep 1000 >/dev/null 2>&1' &) ; read x <&3\n";

TEST_F(Termination, DescendantsDoNotOutliveTheProcess) {
  Process process = shell(std::string(kFamily) + "echo last");
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->result.exit_code, 0) << "it ended by itself";
  const std::string output = blob(result->result.stdout_digest);
  EXPECT_THAT(output, HasSubstr("last\n"));
  const auto family = pids(output);
  ASSERT_EQ(family.size(), 4u);
  for (const pid_t pid : family) EXPECT_FALSE(exists(pid));
  EXPECT_GE(counters_["process.descendants_killed"].value(), 2);
}

TEST_F(Termination, ADescendantThatHoldsThePipeDoesNotDelayTheResult) {
  Process process = shell("setsid sleep 1000 & echo done");
  process.timeout = std::chrono::seconds(30);
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->timed_out);
  EXPECT_EQ(blob(result->result.stdout_digest), "done\n");
}

// Cancels when it has seen so many lines.
class CancelAfter final : public ProcessObserver {
 public:
  CancelAfter(std::stop_source stop, size_t lines) : stop_(std::move(stop)), lines_(lines) {}
  void started(const std::string&) override {}
  void output(Stream, std::string_view bytes) override {
    text += bytes;
    if (static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) == lines_) {
      stop_.request_stop();
    }
  }
  std::string text;

 private:
  std::stop_source stop_;
  const size_t lines_;
};

TEST_F(Termination, CancellingKillsTheWholeFamily) {
  std::stop_source stop;
  CancelAfter observer(stop, 4);
  auto result =
      run(shell(std::string(kFamily) + "wait"),
          {.keep = KeepSandboxes::kAlways, .observer = &observer, .stop = stop.get_token()});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kCancelled);
  const auto family = pids(observer.text);
  ASSERT_EQ(family.size(), 4u);
  for (const pid_t pid : family) EXPECT_FALSE(exists(pid));
  EXPECT_EQ(counters_["process.cancelled"].value(), 1);
  runner_.reset();
  EXPECT_TRUE(std::filesystem::is_empty(sandboxes_)) << "a cancelled process leaves no sandbox";
}

TEST_F(Termination, CancelledBeforeItBeganNothingRuns) {
  std::stop_source stop;
  stop.request_stop();
  auto result = run(shell("touch " + scratch_ + "/ran"),
                    {.keep = KeepSandboxes::kNever, .observer = nullptr, .stop = stop.get_token()});
  EXPECT_EQ(result.error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(scratch_ + "/ran"));
}

TEST_F(Termination, OneThatEndsByItselfIsNotCancelled) {
  // Cancelled at a moment when the process may or may not have ended: whichever it was, the result
  // says so.
  for (int i = 0; i < 50; ++i) {
    std::stop_source stop;
    CancelAfter observer(stop, 1);
    auto result =
        run(shell("echo 1; exit 7"),
            {.keep = KeepSandboxes::kNever, .observer = &observer, .stop = stop.get_token()});
    if (result.ok()) {
      EXPECT_EQ(result->result.exit_code, 7);
    } else {
      EXPECT_EQ(result.error().code(), ErrorCode::kCancelled);
    }
  }
}

TEST_F(Termination, ATimeoutKeepsTheOutputSoFar) {
  Process process = shell("echo before; touch out; exec sleep 1000");
  process.timeout = std::chrono::milliseconds(100);
  process.output_files = paths({"out"});
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->result.exit_code, 124);
  EXPECT_EQ(blob(result->result.stdout_digest), "before\n");
  EXPECT_THAT(outputs_of(*result), IsEmpty()) << "outputs of a timed out process are not captured";
  EXPECT_EQ(counters_["process.timed_out"].value(), 1);
}

TEST_F(Termination, ATimeoutLetsTheProcessEndInOrder) {
  Process process = shell("trap 'echo tidy; exit 5' TERM; sleep 1000 & wait");
  process.timeout = std::chrono::milliseconds(100);
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->result.exit_code, 124);
  EXPECT_EQ(blob(result->result.stdout_digest), "tidy\n");
}

TEST_F(Termination, OneThatIgnoresSigtermIsKilledAfterTheGrace) {
  Process process = shell("trap '' TERM; echo $$; while :; do sleep 1000; done");
  process.timeout = std::chrono::milliseconds(50);
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->result.exit_code, 124);
  EXPECT_FALSE(exists(pids(blob(result->result.stdout_digest)).at(0)));
}

TEST_F(Termination, AnEndlessWriterTimesOutToo) {
  Process process = shell("exec yes >&2");
  process.timeout = std::chrono::milliseconds(50);
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->timed_out);
}

TEST_F(Termination, SeveralAtOnceDoNotReapOneAnother) {
  Process process = shell("(setsid sleep 1000 >/dev/null 2>&1 &); exit 9");
  runner();
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        auto result = run(process);
        if (result.ok() && result->result.exit_code == 9) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 100);
  siginfo_t info;
  EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1)
      << "orphans came to this process and are still there";
}

// A store whose disk fills up.
class FullStore final : public store::Store, store::BlobStore {
 public:
  explicit FullStore(store::Store& inner) : inner_(inner) {}
  store::BlobStore& blobs() override { return *this; }
  store::BlobFiles& files() override { return inner_.files(); }
  store::TreeStore& trees() override { return inner_.trees(); }
  store::ActionCache& actions() override { return inner_.actions(); }
  store::StatCache& stats() override { return inner_.stats(); }

 private:
  static Error full() { return environment_error(ErrorCode::kResourceExhausted, "no space left"); }
  Result<FileDigest> put(std::string_view) override { return full(); }
  Result<std::unique_ptr<store::BlobWriter>> writer() override { return full(); }
  Result<std::string> get(const FileDigest&) override { return full(); }
  Result<std::unique_ptr<store::BlobReader>> reader(const FileDigest&) override { return full(); }
  Result<std::vector<FileDigest>> find_missing(std::span<const FileDigest>) override {
    return full();
  }
  store::Store& inner_;
};

TEST_F(Termination, AFullDiskEndsTheProcessWithThatError) {
  auto whole = std::move(store_);
  store_ = std::make_unique<FullStore>(*whole);
  for (const char* script : {"echo short", "exec yes"}) {
    auto result = run(shell(script));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), ErrorCode::kResourceExhausted);
  }
  runner_.reset();
  EXPECT_TRUE(std::filesystem::is_empty(sandboxes_));
  store_ = std::move(whole);
}

}  // namespace
}  // namespace kiln::exec
