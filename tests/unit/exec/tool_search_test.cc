#include "daemon/exec/tool_search.h"

#include "common/types/hash.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Where = ToolSearch::Where;
using Candidate = ToolSearch::Candidate;

class ToolSearchTest : public ExecTest {
 protected:
  static std::vector<Candidate> candidates(const Process& process) {
    auto search = search_for_tool(process);
    EXPECT_TRUE(search.ok()) << search.error().to_string();
    return search.ok() ? search->candidates : std::vector<Candidate>();
  }
  static Candidate on_host(std::string path) { return {Where::kHost, path, path}; }
  static Candidate input(std::string path) {
    return {Where::kInput, std::move(path), {}, file_digest_of("x")};
  }
  static Candidate not_executable(std::string path) {
    return {Where::kNonExecutable, std::move(path), {}};
  }
  Process in_path(std::string name, std::string path) {
    Process process = command({std::move(name)});
    process.env = {{"PATH", std::move(path)}};
    return process;
  }
};

TEST_F(ToolSearchTest, DirectoriesOfPathAreSearchedInTheirOrder) {
  EXPECT_THAT(candidates(in_path("cc", "/b:/a/:/b")),
              ElementsAre(on_host("/b/cc"), on_host("/a//cc"), on_host("/b/cc")));
}

TEST_F(ToolSearchTest, AnAbsolutePathIsTakenAsItIs) {
  EXPECT_THAT(candidates(command({"/no/../such/tool"})), ElementsAre(on_host("/no/../such/tool")));
}

TEST_F(ToolSearchTest, ARelativePathIsAnInputBelowTheWorkingDirectory) {
  Process process = command({"../bin/tool"});
  process.inputs = tree({file("bin/tool", "x", true)});
  process.working_directory = rel("src");
  EXPECT_THAT(candidates(process), ElementsAre(input("../bin/tool")));
  process.working_directory = rel("src/deep");
  EXPECT_THAT(candidates(process), IsEmpty());
}

TEST_F(ToolSearchTest, EmptyAndRelativePartsOfPathAreAmongTheInputs) {
  Process process = in_path("tool", "/a::bin:/b");
  EXPECT_THAT(candidates(process), ElementsAre(on_host("/a/tool"), on_host("/b/tool")));
  process.inputs = tree({file("tool", "data"), file("bin/tool", "x", true)});
  EXPECT_THAT(candidates(process),
              ElementsAre(on_host("/a/tool"), not_executable("./tool"), input("bin/tool")))
      << "nothing after an input that can be executed";
}

TEST_F(ToolSearchTest, ChrootInTheCommandOrInPathMeansTheInputs) {
  Process process = command({"{chroot}/bin/tool"});
  process.inputs = tree({file("bin/tool", "x", true)});
  EXPECT_THAT(candidates(process), ElementsAre(input("{chroot}/bin/tool")));
  process.argv[0] = "tool";
  process.env["PATH"] = "/a:{chroot}/bin";
  EXPECT_THAT(candidates(process), ElementsAre(on_host("/a/tool"), input("{chroot}/bin/tool")));
}

TEST_F(ToolSearchTest, SymlinksAmongTheInputsAreFollowed) {
  Process process = command({"./a"});
  process.inputs = tree({symlink("a", "dir/b"), symlink("dir/b", "../c"), file("c", "x", true),
                         symlink("host", "/opt/tool"), symlink("opt", "/opt"),
                         symlink("loop", "loop"), symlink("out", "../x")});
  EXPECT_THAT(candidates(process), ElementsAre(input("./a")));
  process.argv[0] = "./host";
  EXPECT_THAT(candidates(process), ElementsAre(Candidate{Where::kHost, "./host", "/opt/tool"}));
  process.argv[0] = "opt/bin/tool";
  EXPECT_THAT(candidates(process),
              ElementsAre(Candidate{Where::kHost, "opt/bin/tool", "/opt/bin/tool"}));
  for (const char* dead : {"./loop", "./out"}) {
    process.argv[0] = dead;
    EXPECT_THAT(candidates(process), IsEmpty()) << dead;
  }
}

TEST_F(ToolSearchTest, WhatIsNoExecutableFileIsSaidToBeThere) {
  Process process = command({"./script"});
  process.inputs = tree({file("script", "x"), directory("folder")});
  EXPECT_THAT(candidates(process), ElementsAre(not_executable("./script")));
  process.argv[0] = "./folder";
  EXPECT_THAT(candidates(process), ElementsAre(not_executable("./folder")));
}

TEST_F(ToolSearchTest, NeedsACommandAndAPath) {
  const auto none = search_for_tool(command({}));
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(none.error().message(), HasSubstr("argv is empty"));
  Process process = command({"tool"});
  process.env.clear();
  const auto no_path = search_for_tool(process);
  ASSERT_FALSE(no_path.ok());
  EXPECT_EQ(no_path.error().code(), ErrorCode::kCommandNotFound);
  EXPECT_THAT(no_path.error().message(), HasSubstr("has no PATH"));
}

TEST_F(ToolSearchTest, SaysWhatWasSearched) {
  const auto message = [](const Process& process) {
    const Error error = search_for_tool(process)->not_found();
    EXPECT_EQ(error.code(), ErrorCode::kCommandNotFound);
    return error.message();
  };
  EXPECT_THAT(message(in_path("tool", "/no/such:/nor/this")),
              HasSubstr("'tool' in PATH=/no/such:/nor/this"));
  EXPECT_THAT(message(command({"./tool"})), HasSubstr("among the inputs"));
  EXPECT_THAT(message(command({"/no/such/tool"})), HasSubstr("on this machine"));
  const Error error = ToolSearch::not_executable(on_host("/etc/passwd"));
  EXPECT_EQ(error.code(), ErrorCode::kCommandNotExecutable);
  EXPECT_THAT(error.message(), HasSubstr("'/etc/passwd'"));
}

}  // namespace
}  // namespace kiln::exec
