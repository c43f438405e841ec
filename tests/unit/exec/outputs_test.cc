#include "daemon/exec/output_sink.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Outputs : public ExecTest {
 protected:
  // Runs; the captured leaves, and the missing outputs as "missing PATH".
  std::vector<std::string> captured(const Process& process) {
    auto result = run(process);
    if (!result.ok()) return {result.error().to_string()};
    std::vector<std::string> lines = outputs_of(*result);
    for (const std::string& missing : result->result.missing_outputs) {
      lines.push_back("missing " + missing);
    }
    return lines;
  }
};

TEST_F(Outputs, OfEveryKind) {
  Process process = shell(
      "printf a > a; printf '#!' > tool; chmod +x tool; ln -s a link; mkdir -p dir/empty dir/sub; "
      "printf b > dir/sub/b; ln -s /no/such dir/dangling; ln -s sub dir/to-dir; mkfifo dir/fifo; "
      "printf no > undeclared");
  process.output_files = paths({"a", "link", "tool"});
  process.output_directories = paths({"dir"});
  EXPECT_THAT(captured(process),
              ElementsAre("a = a", "dir/dangling -> /no/such", "dir/empty/", "dir/sub/b = b",
                          "dir/to-dir -> sub", "link -> a", "tool* = #!"));
}

TEST_F(Outputs, AreRelativeToTheWorkingDirectory) {
  Process process = shell("printf x > y; printf no > ../y");
  process.working_directory = rel("w");
  process.output_files = paths({"y"});
  EXPECT_THAT(captured(process), ElementsAre("y = x"));
}

TEST_F(Outputs, AnInputMayBeAnOutput) {
  Process process = shell("printf new > changed");
  process.inputs = tree({file("same", "old"), file("changed", "old")});
  process.output_files = paths({"changed", "same"});
  EXPECT_THAT(captured(process), ElementsAre("changed = new", "same = old"));
}

TEST_F(Outputs, TheWholeWorkingDirectoryMayBeOne) {
  Process process = shell("printf x > out");
  process.inputs = tree({file("in", "y")});
  process.output_directories = paths({""});
  EXPECT_THAT(captured(process), ElementsAre("in = y", "out = x"));
}

TEST_F(Outputs, NestedTooDeepAreAnErrorWhateverTheDepth) {
  for (const char* levels : {"2050", "4000"}) {
    Process process = command({"/usr/bin/python3", "-c",
                               std::string("import os\nos.mkdir('out'); os.chdir('out')\n"
                                           "for i in range(") +
                                   levels + "): os.mkdir('d'); os.chdir('d')"});
    process.output_directories = paths({"out"});
    auto result = run(process);
    ASSERT_FALSE(result.ok()) << levels;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(result.error().to_string(), HasSubstr("'out'"));
    EXPECT_THAT(result.error().to_string(), HasSubstr("2048"));
  }
}

TEST_F(Outputs, OfManyLevelsAreCapturedAndMadeAgain) {
  Process process = command({"/usr/bin/python3", "-c",
                             "import os\nos.mkdir('out'); os.chdir('out')\n"
                             "for i in range(500): os.mkdir('d'); os.chdir('d')\n"
                             "open('f', 'w').write('deep')"});
  process.output_directories = paths({"out"});
  auto result = run(process);
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  Process next = shell("find out -type f -exec cat {} +");
  next.inputs = *store_->trees().load(result->result.output_digest);
  EXPECT_EQ(next.inputs->depth(), 501u);
  EXPECT_EQ(output_of(next), "deep");
}

TEST_F(Outputs, MayOverlap) {
  Process process = shell("mkdir -p d/e; printf 1 > d/e/f; printf 2 > d/g");
  process.output_files = paths({"d/e/f", "d/g", "d/none"});
  process.output_directories = paths({"d", "d/e"});
  EXPECT_THAT(captured(process), ElementsAre("d/e/f = 1", "d/g = 2", "missing d/none"));
}

TEST_F(Outputs, AnEmptyDirectoryIsAnOutput) {
  Process process = shell("mkdir d");
  process.output_directories = paths({"d"});
  EXPECT_THAT(captured(process), ElementsAre("d/"));
}

TEST_F(Outputs, AreCapturedOnFailureToo) {
  Process process = shell("printf log > log; exit 1");
  process.output_files = paths({"log"});
  EXPECT_THAT(captured(process), ElementsAre("log = log"));
}

TEST_F(Outputs, MissingOnesAreListed) {
  Process process = shell("mkdir d; printf x > f; mkfifo p");
  process.output_files = paths({"d", "never", "no/such/dir", "p"});
  process.output_directories = paths({"f", "nor"});
  EXPECT_THAT(captured(process), ElementsAre("missing d", "missing f", "missing never",
                                             "missing no/such/dir", "missing nor", "missing p"));
}

TEST_F(Outputs, ThoseThatAreMissingAreListedWithTheReason) {
  Process process = shell("mkdir d; printf x > f");
  process.output_files = paths({"d", "f", "never"});
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->result.missing_outputs, ElementsAre("d", "never"));
  EXPECT_THAT(result->missing_notes,
              ElementsAre("d is a directory, not a file", HasSubstr("never was not made")));
}

TEST_F(Outputs, AFailureIsReportedAsItselfNotAsMissingOutputs) {
  Process process = shell("exit 4");
  process.output_files = paths({"never"});
  auto result = run(process);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->result.exit_code, 4);
}

TEST_F(Outputs, NothingIsReadThroughASymlinkThatLeavesTheSandbox) {
  Process process = shell("rmdir out; ln -s /etc out; ln -s /etc/passwd file; ln -s /etc dir");
  process.output_files = paths({"file", "out/passwd"});
  process.output_directories = paths({"dir", "out/ssl"});
  EXPECT_THAT(captured(process), ElementsAre("file -> /etc/passwd", "missing dir",
                                             "missing out/passwd", "missing out/ssl"));
}

TEST_F(Outputs, AProcessMayRemoveItsOwnDirectory) {
  Process process = shell("cd ..; rm -r w");
  process.working_directory = rel("w");
  process.output_files = paths({"x"});
  EXPECT_THAT(captured(process), ElementsAre("missing x"));
}

TEST_F(Outputs, ANameThatIsNotUtf8IsNamed) {
  Process process = shell("mkdir d; touch \"d/$(printf 'a\\377b')\"");
  process.output_directories = paths({"d"});
  auto result = run(process);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message(), HasSubstr("a\\xffb"));
}

// A BlobStore that counts and keeps nothing.
class Meter final : public store::BlobStore {
 public:
  class Writer final : public store::BlobWriter {
   public:
    explicit Writer(int64_t& total) : total_(total) {}
    Result<void> append(std::string_view bytes) override {
      total_ += static_cast<int64_t>(bytes.size());
      return {};
    }
    Result<FileDigest> finish() override { return FileDigest{}; }

   private:
    int64_t& total_;
  };
  Result<FileDigest> put(std::string_view) override { return FileDigest{}; }
  Result<std::unique_ptr<store::BlobWriter>> writer() override {
    return std::unique_ptr<store::BlobWriter>(std::make_unique<Writer>(total));
  }
  Result<std::string> get(const FileDigest&) override { return std::string(); }
  Result<std::unique_ptr<store::BlobReader>> reader(const FileDigest&) override {
    return internal_error("not read");
  }
  Result<std::vector<FileDigest>> find_missing(std::span<const FileDigest>) override {
    return std::vector<FileDigest>();
  }
  int64_t total = 0;
};

TEST(OutputSink, HoldsBackNoMoreThanSmallContent) {
  Meter meter;
  OutputSink sink(meter, nullptr, ProcessObserver::Stream::kStdout);
  const std::string chunk(10'000, 'x');
  for (int64_t given = 0; given < 50'000'000;) {
    ASSERT_TRUE(sink.append(chunk).ok());
    given += static_cast<int64_t>(chunk.size());
    ASSERT_LT(given - meter.total, store::kLargeContent);
  }
  ASSERT_TRUE(sink.finish().ok());
  EXPECT_EQ(meter.total, 50'000'000);
}

}  // namespace
}  // namespace kiln::exec
