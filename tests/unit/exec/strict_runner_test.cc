#include <fcntl.h>
#include <unistd.h>

#include "daemon/exec/lent_paths.h"
#include "tests/unit/exec/exec_fixture.h"

namespace kiln::exec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StrictRunner : public ExecTest {
 protected:
  void SetUp() override {
    auto started = confine::Holder::start(uint64_t{64} << 20);
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    if (const auto* none = std::get_if<confine::Support>(&*started)) {
      GTEST_SKIP() << none->to_string();
    }
    slots_ = std::make_unique<confine::Slots>(
        std::get<std::unique_ptr<confine::Holder>>(std::move(*started)), 2, log_);
    const confine::Support support = slots_->probe();
    if (!support.available()) GTEST_SKIP() << support.to_string();
    std::filesystem::create_directory(sandboxes_);
    SandboxOptions options;
    options.directory = sandboxes_;
    options.grace = std::chrono::milliseconds(100);
    runner_ = make_strict_runner(options, *slots_, *store_, pool_, counters_, log_);
  }
  void TearDown() override { runner_.reset(); }

  static Process strict(Process process) {
    process.sandbox = SandboxLevel::kStrict;
    return process;
  }

  static void write_host_file(const std::string& path, std::string_view content, unsigned mode) {
    const auto fd = open_file(path, O_WRONLY | O_CREAT, mode);
    ASSERT_TRUE(fd.ok() && write_all(fd->get(), content, path).ok()) << path;
  }

  std::unique_ptr<confine::Slots> slots_;
};

TEST_F(StrictRunner, InputsGoInAndOutputsComeOut) {
  Process process = strict(shell("pwd; cat ../in; mkdir -p d/e; cp ../in out; ln -s out d/link"));
  process.inputs = tree({file("in", "text\n"), directory("w")});
  process.working_directory = rel("w");
  process.output_files = paths({"out", "missing"});
  process.output_directories = paths({"d"});
  const auto result = run(process);
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_EQ(result->level, SandboxLevel::kStrict);
  EXPECT_EQ(blob(result->result.stdout_digest), "/sandbox/w\ntext\n");
  EXPECT_THAT(outputs_of(*result), ElementsAre("d/e/", "d/link -> out", "out = text\n"));
  EXPECT_THAT(result->result.missing_outputs, ElementsAre("missing"));
}

TEST_F(StrictRunner, ThePathOfTheSandboxIsTheSameInEveryRun) {
  const Process process = strict(shell("echo {chroot} $PWD; touch left"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(output_of(process), "/sandbox /sandbox\n");
}

TEST_F(StrictRunner, AFileThatIsNoInputIsNotThere) {
  std::filesystem::create_directory(scratch_ + "/workspace");
  const std::string secret = scratch_ + "/workspace/secret";
  write_host_file(secret, "x", 0644);
  EXPECT_EQ(output_of(strict(command({"/bin/cat", secret}))), "exit 1");
}

TEST_F(StrictRunner, AToolOutsideTheSystemIsLentWithItsDirectory) {
  std::filesystem::create_directories(scratch_ + "/tool/bin");
  const std::string tool = scratch_ + "/tool/bin/say";
  write_host_file(tool, "#!/bin/sh\ncat \"${0%/*}/data\"\n", 0755);
  const std::string data = scratch_ + "/tool/bin/data";
  write_host_file(data, "data\n", 0644);
  EXPECT_EQ(output_of(strict(command({tool}))), "data\n");
}

TEST_F(StrictRunner, AToolInAWorkspaceIsLentAlone) {
  const std::string tool = scratch_ + "/say";
  write_host_file(tool, "#!/bin/sh\nls \"${0%/*}\"\n", 0755);
  std::filesystem::create_directory(scratch_ + "/.git");
  EXPECT_THAT(lent_paths_of({.path = tool, .components = {}}), ElementsAre(tool));
  EXPECT_EQ(output_of(strict(command({tool}))), "say\n");
}

TEST_F(StrictRunner, AVirtualEnvironmentIsLentWithItsBase) {
  std::filesystem::create_directories(scratch_ + "/venv/bin");
  const std::string configuration = scratch_ + "/venv/pyvenv.cfg";
  write_host_file(configuration, "home = /opt/python/bin\n", 0644);
  EXPECT_THAT(lent_paths_of({.path = scratch_ + "/venv/bin/python", .components = {}}),
              ElementsAre("/opt/python", scratch_ + "/venv"));
  EXPECT_THAT(
      lent_paths_of({.path = "/home/u/.pyenv/versions/3.12.1/bin/python", .components = {}}),
      ElementsAre("/home/u/.pyenv/versions/3.12.1"));
  EXPECT_THAT(lent_paths_of({.path = "/home/u/.asdf/installs/node/20/bin/node", .components = {}}),
              ElementsAre("/home/u/.asdf/installs/node/20"));
  EXPECT_THAT(lent_paths_of({.path = "/usr/bin/true", .components = {}}), ElementsAre());
}

TEST_F(StrictRunner, AllThatAToolIsMadeOfIsLent) {
  using Kind = ToolComponent::Kind;
  const HostTool tool{
      .path = "/usr/bin/tool",
      .components = {{Kind::kExecutable, "/usr/bin/tool", {}, ""},
                     {Kind::kInterpreter, "/opt/python/bin/python3", {}, ""},
                     {Kind::kLibrary, "/opt/python/lib/libpython.so", {}, "/srv/lib/libpython.so"},
                     {Kind::kLibrary, "/lib/x86_64-linux-gnu/libc.so.6", {}, ""},
                     {Kind::kInstalled, "/opt/python/lib/site-packages", {}, ""}}};
  EXPECT_THAT(lent_paths_of(tool), ElementsAre("/opt/python/bin", "/opt/python/lib", "/srv/lib"));
}

TEST_F(StrictRunner, ATimeoutEndsEverythingInIt) {
  Process process = strict(shell("trap '' TERM; echo begun; (setsid sleep 1000 &); sleep 1000"));
  process.timeout = std::chrono::milliseconds(300);
  const auto result = run(process);
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(blob(result->result.stdout_digest), "begun\n");
}

TEST_F(StrictRunner, ADaemonLeftBehindDoesNotHoldTheResult) {
  EXPECT_EQ(output_of(strict(shell("(setsid sleep 1000 &); echo done"))), "done\n");
  EXPECT_EQ(counters_["process.descendants_killed"].value(), 1);
}

TEST_F(StrictRunner, AKeptSandboxIsCopiedToDiskWithItsScript) {
  Process process = strict(shell("cat in > out; echo left > left; exit 3"));
  process.inputs = tree({file("in", "text\n")});
  process.output_files = paths({"out"});
  const auto result = run(process, {.keep = KeepSandboxes::kOnFailure});
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_THAT(result->kept_sandbox, HasSubstr(sandboxes_ + "/keep-"));
  for (const auto& [name, content] : std::vector<std::pair<std::string, std::string>>{
           {"in", "text\n"}, {"out", "text\n"}, {"left", "left\n"}}) {
    const auto read = read_file(result->kept_sandbox + "/" + name);
    EXPECT_EQ(read.ok() ? *read : read.error().to_string(), content) << name;
  }
  EXPECT_EQ(::access((result->kept_sandbox + "/__run.sh").c_str(), X_OK), 0);
  EXPECT_TRUE(log_.lines().empty());
}

TEST_F(StrictRunner, WithoutSupportTheErrorSaysWhatIsMissing) {
  const auto levels = make_level_runner(
      *runner_, nullptr, confine::Support{{{"user namespaces", "no right", "run sysctl"}}});
  const Process process = strict(shell("true"));
  const HostTool tool{.path = "/bin/sh", .components = {}};
  const Action action = make_action(process, tool, "");
  const auto result = sync_wait(
      pool_,
      levels->run(
          {.process = process, .tool = tool, .action = action, .run = RunId{1}, .stop = {}}));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(result.error().message(), HasSubstr("user namespaces: no right; run sysctl"));
}

}  // namespace
}  // namespace kiln::exec
