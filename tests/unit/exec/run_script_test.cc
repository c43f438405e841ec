#include "daemon/exec/run_script.h"

#include <fcntl.h>

#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class KeptSandbox : public ExecTest {
 protected:
  // Runs a command that was found in PATH at `path`, and keeps the sandbox.
  Result<RunResult> run_tool(const std::string& path, const Process& process) {
    return run(process, {.keep = KeepSandboxes::kAlways, .tool = path});
  }
  // Runs the script of a kept sandbox from elsewhere, with another environment.
  std::string run_again(const std::string& sandbox) {
    return output_of(shell("NOISE=1 " + sandbox + "/" + kRunScript));
  }
};

TEST_F(KeptSandbox, ItsScriptRunsExactlyThatProcess) {
  std::string bytes = "\u00fc";
  for (char c = 1; c < 127; ++c) bytes += c;
  Process arguments = command({"printf", "%s|", bytes, "", "'", "a b", "$HOME", "{chroot}"});
  arguments.working_directory = rel("some dir");
  auto result = run_tool("/usr/bin/printf", arguments);
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_EQ(run_again(result->kept_sandbox), blob(result->result.stdout_digest));

  Process environment = command({"env"});
  environment.env["BYTES"] = bytes;
  environment.env["EMPTY"] = "";
  result = run_tool("/usr/bin/env", environment);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(run_again(result->kept_sandbox), blob(result->result.stdout_digest));
}

TEST_F(KeptSandbox, EveryByteSurvivesTheScriptsQuoting) {
  std::string bytes;
  for (int c = 1; c < 256; ++c) bytes += static_cast<char>(c);
  const std::string path = scratch_ + "/script";
  {
    const UniqueFd fd = *open_file(path, O_WRONLY | O_CREAT, 0755);
    const Process process = command({"printf"});
    ASSERT_TRUE(
        write_all(fd.get(), run_script(scratch_, process, {"printf", "%s", bytes}, {}), path).ok());
  }
  for (const char* interpreter : {"sh ", "bash "}) {
    EXPECT_EQ(output_of(shell(interpreter + path)), bytes);
  }
}

TEST_F(KeptSandbox, HoldsInputsAndOutputsAndRunsTwice) {
  Process process = shell("cat in > out; cat in; exit 1");
  process.inputs = tree({file("in", "x")});
  process.output_files = paths({"out"});
  auto result = run(process, {.keep = KeepSandboxes::kOnFailure});
  ASSERT_TRUE(result.ok());
  const std::string& kept = result->kept_sandbox;
  EXPECT_EQ(*read_file(kept + "/in"), "x");
  EXPECT_EQ(*read_file(kept + "/out"), "x");
  EXPECT_EQ(output_of(shell(kept + "/__run.sh || cat " + kept + "/out")), "xx");
}

TEST_F(KeptSandbox, IsKeptAsAsked) {
  const auto kept = [&](const char* script, KeepSandboxes keep) {
    auto result = run(shell(script), {.keep = keep});
    return !result->kept_sandbox.empty() && std::filesystem::exists(result->kept_sandbox);
  };
  EXPECT_FALSE(kept("exit 0", KeepSandboxes::kNever));
  EXPECT_FALSE(kept("exit 1", KeepSandboxes::kNever));
  EXPECT_FALSE(kept("exit 0", KeepSandboxes::kOnFailure));
  EXPECT_TRUE(kept("exit 1", KeepSandboxes::kOnFailure));
  EXPECT_TRUE(kept("exit 0", KeepSandboxes::kAlways));
}

TEST_F(KeptSandbox, OfAProcessThatCannotStartIsNamedInTheError) {
  auto result = run(command({"/no/such/tool"}), {.keep = KeepSandboxes::kOnFailure});
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().to_string(), HasSubstr("the sandbox was kept: " + sandboxes_));
}

TEST_F(KeptSandbox, TheProcessesOwnScriptIsLeftAlone) {
  Process process = shell("exit 1");
  process.inputs = tree({file("__run.sh", "mine")});
  auto result = run(process, {.keep = KeepSandboxes::kOnFailure});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*read_file(result->kept_sandbox + "/__run.sh"), "mine");
  EXPECT_THAT(log_.lines(), IsEmpty());
}

}  // namespace
}  // namespace kiln::exec
