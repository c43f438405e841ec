#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <set>

#include "common/types/hash.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SandboxRunner : public ExecTest {};

TEST_F(SandboxRunner, ReportsOutputAndExitCode) {
  auto result = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_EQ(result->result.exit_code, 3);
  EXPECT_EQ(blob(result->result.stdout_digest), "out\n");
  EXPECT_EQ(blob(result->result.stderr_digest), "err\n");
  EXPECT_EQ(result->source, Source::kRan);
  EXPECT_EQ(result->level, SandboxLevel::kPlain);
  EXPECT_FALSE(result->timed_out);
  EXPECT_GT(result->result.wall_seconds, 0);
  EXPECT_EQ(counters_["process.ran"].value(), 1);
}

TEST_F(SandboxRunner, TheEnvironmentIsExactlyWhatIsGiven) {
  Process process = command({"/usr/bin/env"});
  process.env = {{"A", "1 = one"}, {"EMPTY", ""}, {"Z", "two\nlines"}};
  EXPECT_EQ(output_of(process), "A=1 = one\nEMPTY=\nZ=two\nlines\n");
  process.env.clear();
  EXPECT_EQ(output_of(process), "");
}

TEST_F(SandboxRunner, InputsAreThereAsTheyWereGiven) {
  Process process = shell(
      "cat dir/a; readlink link; stat -c '%A %n' dir dir/a tool empty; ./tool; "
      "stat -c %Y . dir empty | sort -u");
  process.inputs = tree({file("dir/a", "content\n"), symlink("link", "dir/a"),
                         file("tool", "#!/bin/sh\necho tool\n", true), directory("empty")});
  EXPECT_EQ(output_of(process),
            "content\ndir/a\ndrwxr-xr-x dir\n-rw-r--r-- dir/a\n-rwxr-xr-x tool\n"
            "drwxr-xr-x empty\ntool\n1262304000\n");
}

TEST_F(SandboxRunner, AFreshSandboxHoldsNothingElseAndIsPrivate) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(output_of(shell("ls -A; stat -c %a .; mkdir -p x/y; touch x/y/z; chmod 0 x .")),
              "700\n");
  }
}

// Marks every sandbox, as a process could.
class Marker final : public ProcessObserver {
 public:
  void started(const std::string& path) override {
    was_marked = ::getxattr(path.c_str(), kMark, nullptr, 0) >= 0;
    can_mark = ::setxattr(path.c_str(), kMark, "1", 1, 0) == 0;
    paths.insert(path);
  }
  void output(Stream, std::string_view) override {}
  static constexpr const char* kMark = "user.mark";
  bool was_marked = false;
  bool can_mark = false;
  std::set<std::string> paths;
};

TEST_F(SandboxRunner, ASandboxThatAProcessMarkedIsNotUsedAgain) {
  Marker marker;
  for (int i = 0; i < 20; ++i) {
    auto result = run(shell("true"), {.keep = KeepSandboxes::kNever, .observer = &marker});
    ASSERT_TRUE(result.ok());
    if (!marker.can_mark) GTEST_SKIP() << "no extended attributes here";
    EXPECT_FALSE(marker.was_marked);
  }
  EXPECT_EQ(marker.paths.size(), 20u);
}

TEST_F(SandboxRunner, WorkingDirectoryAndParentsOfOutputsAreMade) {
  Process process = shell("pwd; ls -d ../a/b deep/er; stat -c %Y . deep; ls -A deep/er");
  process.inputs = tree({file("a/b", "x")});
  process.working_directory = rel("work/here");
  process.output_files = paths({"deep/er/file"});
  process.output_directories = paths({"deep/er/dir"});
  process.argv[2] = "ls -d ../../a/b deep/er; stat -c %Y . deep deep/er .. ../../a; ls -A deep/er";
  EXPECT_EQ(output_of(process),
            "../../a/b\ndeep/er\n1262304000\n1262304000\n1262304000\n1262304000\n1262304000\n");
}

TEST_F(SandboxRunner, ChrootIsReplacedInArgumentsAndEnvironment) {
  Process process = shell("[ \"$0\" = \"$PWD/x:$PWD\" ] && [ \"$V\" = \"-I$PWD\" ] && echo same");
  process.argv.emplace_back("{chroot}/x:{chroot}");
  process.env["V"] = "-I{chroot}";
  EXPECT_EQ(output_of(process), "same\n");
  Process tool = command({"{chroot}/bin/tool"});
  tool.inputs = tree({file("bin/tool", "#!/bin/sh\necho ran\n", true)});
  EXPECT_EQ(output_of(tool), "ran\n");
}

class Watcher final : public ProcessObserver {
 public:
  void started(const std::string& path) override { sandbox = path; }
  void output(Stream stream, std::string_view bytes) override {
    (stream == Stream::kStdout ? out : err) += bytes;
    if (out.find("first\n") != std::string::npos && !told) {
      told = true;
      first_line.set_value();
    }
  }
  std::string sandbox;
  std::string out;
  std::string err;
  std::promise<void> first_line;
  bool told = false;
};

TEST_F(SandboxRunner, OutputIsSeenWhileTheProcessRuns) {
  // The process waits for the fifo, which is opened only after its first line was seen.
  const std::string gate = scratch_ + "/gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  Process process = shell("echo first; read line < " + gate + "; echo $line >&2");
  process.timeout = std::chrono::seconds(20);
  Watcher watcher;
  auto running = std::async(std::launch::async, [&] {
    return run(process, {.keep = KeepSandboxes::kNever, .observer = &watcher});
  });
  ASSERT_EQ(watcher.first_line.get_future().wait_for(std::chrono::seconds(20)),
            std::future_status::ready);
  std::ofstream(gate) << "second\n";
  auto result = running.get();
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->timed_out);
  EXPECT_EQ(watcher.out, "first\n");
  EXPECT_EQ(watcher.err, "second\n");
  EXPECT_THAT(watcher.sandbox, HasSubstr(sandboxes_));
}

TEST_F(SandboxRunner, LargeOutputIsStoredWhole) {
  auto result = run(shell("head -c 3000000 /dev/zero"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->result.stdout_digest, file_digest_of(std::string(3'000'000, '\0')));
}

TEST_F(SandboxRunner, KilledBySignalIsMinusSignal) {
  auto result = run(shell("kill -SEGV $$"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->result.exit_code, -SIGSEGV);
}

TEST_F(SandboxRunner, AMissingInputNamesPathAndDigest) {
  Process process = shell("true");
  const FileDigest unknown = file_digest_of("never stored");
  process.inputs = tree({file("a", "x"), {rel("dir/lost"), store::File{unknown, false}}});
  auto result = run(process);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(result.error().to_string(), HasSubstr("dir/lost"));
  EXPECT_THAT(result.error().to_string(), HasSubstr(to_string(unknown)));
}

TEST_F(SandboxRunner, ACommandThatCannotStartIsAnError) {
  auto missing = run(command({"/no/such/tool"}));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kCommandNotFound);
  Process process = command({"./data"});
  process.inputs = tree({file("data", "?", true)});
  auto data = run(process);
  ASSERT_FALSE(data.ok());
  EXPECT_EQ(data.error().code(), ErrorCode::kCommandNotExecutable);
}

TEST_F(SandboxRunner, WhatItCannotDoIsRefused) {
  Process strict = shell("true");
  strict.sandbox = SandboxLevel::kStrict;
  EXPECT_EQ(run(strict).error().code(), ErrorCode::kUnsupported);
  Process nul = shell(std::string("a\0b", 3));
  EXPECT_EQ(run(nul).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(run(shell("echo \xff")).error().code(), ErrorCode::kInvalidArgument);
  Process name = shell("true");
  name.env["A=B"] = "c";
  EXPECT_EQ(run(name).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(SandboxRunner, AnInputInTheWayOfADirectoryIsNamed) {
  Process process = shell("true");
  process.inputs = tree({file("out", "a file"), symlink("work", "/tmp")});
  process.output_files = paths({"out/x"});
  EXPECT_THAT(run(process).error().to_string(), HasSubstr("'out' among the inputs"));
  process.output_files.clear();
  process.working_directory = rel("work/dir");
  EXPECT_THAT(run(process).error().to_string(), HasSubstr("'work' among the inputs"));
}

TEST_F(SandboxRunner, ADirectoryOfSandboxesThatCannotBeMadeIsAnError) {
  SandboxOptions options;
  options.directory = "/dev/null/sandboxes";
  auto made = make_sandbox_runner(options, *store_, pool_, counters_, log_);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().to_string(), HasSubstr("/dev/null/sandboxes"));
}

TEST_F(SandboxRunner, ADirectoryOfSandboxesThatVanishesIsAnErrorAndNoMore) {
  EXPECT_EQ(output_of(shell("echo 1")), "1\n");
  std::filesystem::remove_all(sandboxes_);
  Result<RunResult> result = run(shell("echo 2"), {.keep = KeepSandboxes::kOnFailure});
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().to_string(), HasSubstr(sandboxes_));
}

TEST_F(SandboxRunner, LeftoversOfAnEarlierLifeAreRemoved) {
  std::filesystem::create_directories(sandboxes_ + "/run-1-1/deep/er");
  std::filesystem::create_directories(sandboxes_ + "/keep-1-2");
  runner();
  runner_.reset();
  EXPECT_FALSE(std::filesystem::exists(sandboxes_ + "/run-1-1"));
  EXPECT_TRUE(std::filesystem::exists(sandboxes_ + "/keep-1-2")) << "somebody asked for it";
}

size_t entries(const std::string& directory) {
  size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++n;
  return n;
}

TEST_F(SandboxRunner, AThousandRunsLeakNothing) {
  Process process = command({"/bin/true"});
  process.inputs = tree({file("in", "x")});
  process.output_files = paths({"out"});
  ASSERT_TRUE(run(process).ok());
  const size_t fds_before = entries("/proc/self/fd");
  for (int i = 0; i < 1000; ++i) {
    auto result = run(process);
    ASSERT_TRUE(result.ok()) << result.error().to_string();
    ASSERT_THAT(result->result.missing_outputs, ElementsAre("out"));
  }
  // Up to a few dozen directories, and a descriptor for each, wait to be used again.
  EXPECT_LE(entries("/proc/self/fd"), fds_before + 100);
  runner_.reset();
  EXPECT_LT(entries("/proc/self/fd"), fds_before);
  EXPECT_EQ(entries(sandboxes_), 0u);
  EXPECT_THAT(log_.lines(), IsEmpty());
}

}  // namespace
}  // namespace kiln::exec
