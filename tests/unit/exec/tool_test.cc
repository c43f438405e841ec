#include <sys/stat.h>

#include <fstream>

#include "common/types/hash.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

using testing::HasSubstr;

class ToolTest : public ExecTest {
 protected:
  ToolTest() {
    for (const char* name : {"one", "two"})
      std::filesystem::create_directory(scratch_ + "/" + name);
  }
  std::string make(const std::string& name, std::string_view content, unsigned mode) {
    std::string path = scratch_ + "/" + name;
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }
  Result<HostTool> resolve(const Process& process) {
    return resolve_tool(process, [this](const std::string& path) -> Result<FileDigest> {
      hashed_.push_back(path);
      KILN_ASSIGN(const std::string bytes, read_file(path));
      return file_digest_of(bytes);
    });
  }
  void expect_error(const Process& process, ErrorCode code, const std::string& part) {
    auto tool = resolve(process);
    ASSERT_FALSE(tool.ok()) << tool->path;
    EXPECT_EQ(tool.error().code(), code);
    EXPECT_THAT(tool.error().message(), HasSubstr(part));
  }
  Process in_path(std::string name, std::string path) {
    Process process = command({std::move(name)});
    process.env = {{"PATH", std::move(path)}};
    return process;
  }
  std::vector<std::string> hashed_;
};

TEST_F(ToolTest, TheFirstExecutableInPathIsTakenAndHashed) {
  make("one/tool", "not executable", 0644);
  const std::string tool = make("two/tool", "executable", 0755);
  auto found = resolve(in_path("tool", "/no/such:" + scratch_ + "/one:" + scratch_ + "/two"));
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_EQ(found->path, tool);
  EXPECT_EQ(found->digest, file_digest_of("executable"));
}

TEST_F(ToolTest, AnAbsolutePathIsTakenAsItIs) {
  const std::string tool = make("tool", "x", 0755);
  auto found = resolve(command({tool}));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->path, tool);
  EXPECT_EQ(hashed_, std::vector{tool});
}

TEST_F(ToolTest, ARelativePathIsAnInputAndHasNoFingerprint) {
  Process process = command({"../bin/tool"});
  process.inputs = tree({file("bin/tool", "x", true)});
  process.working_directory = rel("src");
  auto found = resolve(process);
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_EQ(found->path, "../bin/tool");
  EXPECT_EQ(found->digest, std::nullopt);
  EXPECT_TRUE(hashed_.empty());
}

TEST_F(ToolTest, ChrootInTheCommandOrInPathMeansTheInputs) {
  Process process = command({"{chroot}/bin/tool"});
  process.inputs = tree({file("bin/tool", "x", true)});
  EXPECT_EQ(resolve(process)->path, "{chroot}/bin/tool");
  process.argv[0] = "tool";
  process.env["PATH"] = "/no/such:{chroot}/bin";
  auto found = resolve(process);
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_EQ(found->path, "{chroot}/bin/tool");
  EXPECT_TRUE(hashed_.empty());
}

TEST_F(ToolTest, SymlinksAmongTheInputsAreFollowed) {
  const std::string host = make("tool", "host", 0755);
  Process process = command({"./a"});
  process.inputs = tree({symlink("a", "dir/b"), symlink("dir/b", "../c"), file("c", "x", true),
                         symlink("host", host), symlink("loop", "loop"), symlink("out", "../x")});
  EXPECT_TRUE(resolve(process).ok());
  EXPECT_TRUE(hashed_.empty());
  process.argv[0] = "./host";
  EXPECT_EQ(resolve(process)->digest, file_digest_of("host")) << "it is not among the inputs";
  for (const char* dead : {"./loop", "./out"}) {
    process.argv[0] = dead;
    expect_error(process, ErrorCode::kCommandNotFound, dead);
  }
}

TEST_F(ToolTest, SaysWhatWasSearched) {
  Process no_path = command({"tool"});
  no_path.env.clear();
  expect_error(no_path, ErrorCode::kCommandNotFound, "has no PATH");
  expect_error(in_path("tool", "/no/such:/nor/this"), ErrorCode::kCommandNotFound,
               "'tool' in PATH=/no/such:/nor/this");
  expect_error(command({"./tool"}), ErrorCode::kCommandNotFound, "among the inputs");
  expect_error(command({"/no/such/tool"}), ErrorCode::kCommandNotFound, "on this machine");
  expect_error(command({}), ErrorCode::kInvalidArgument, "argv is empty");
}

TEST_F(ToolTest, SaysWhatIsNotExecutable) {
  const std::string plain = make("one/tool", "x", 0644);
  expect_error(command({plain}), ErrorCode::kCommandNotExecutable, plain);
  expect_error(in_path("tool", scratch_ + "/one"), ErrorCode::kCommandNotExecutable, plain);
  expect_error(command({scratch_ + "/one"}), ErrorCode::kCommandNotExecutable, "one");
  Process process = command({"./script"});
  process.inputs = tree({file("script", "x")});
  expect_error(process, ErrorCode::kCommandNotExecutable, "./script");
}

}  // namespace
}  // namespace kiln::exec
