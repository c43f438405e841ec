// A result counts only if the tool that ran is the one in its key.
#include "tests/unit/exec/exec_fixture.h"
#include "tests/unit/exec/fake_runner.h"

namespace kiln::exec {
namespace {

using testing::HasSubstr;

class FakeCheck final : public ToolCheck {
 public:
  Result<ToolStates> look(const HostTool& tool) override {
    if (looks++ >= breaks_at) return tool_changed("/opt/cc");
    ToolStates states(tool.components.size());
    if (!states.empty() && looks > touched_after) states.back().inode = 1;
    return states;
  }
  int looks = 0;
  int breaks_at = 100;
  int touched_after = 100;
};

class CheckingRunnerTest : public ExecTest {
 protected:
  Result<RunResult> run_checked() {
    const Action action = make_action(process_, tool_, "");
    const RunRequest request{.process = process_,
                             .tool = tool_,
                             .action = action,
                             .run = RunId{1},
                             .keep = KeepSandboxes::kNever,
                             .observer = nullptr,
                             .stop = {}};
    return sync_wait(pool_, runner_->run(request));
  }

  Process process_ = command({"/opt/cc"});
  HostTool tool_{.path = "/opt/cc",
                 .components = {{ToolComponent::Kind::kExecutable, "/opt/cc", {}, "/opt/cc"}}};
  FakeRunner inner_;
  FakeCheck check_;
  std::unique_ptr<ProcessRunner> runner_ =
      make_checking_runner(inner_, check_, pool_, pool_, counters_);
};

TEST_F(CheckingRunnerTest, LooksBeforeAndAfter) {
  EXPECT_TRUE(run_checked().ok());
  EXPECT_EQ(check_.looks, 2);
}

TEST_F(CheckingRunnerTest, AnotherToolThanThatOfTheKeyIsNotStarted) {
  check_.breaks_at = 0;
  const auto result = run_checked();
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(is_tool_changed(result.error()));
  EXPECT_TRUE(inner_.started.empty());
  EXPECT_EQ(counters_["process.tool_changed"].value(), 1);
}

TEST_F(CheckingRunnerTest, AResultOfAToolThatChangedMeanwhileIsThrownAway) {
  check_.breaks_at = 1;
  const auto result = run_checked();
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(is_tool_changed(result.error()));
  EXPECT_THAT(result.error().message(), HasSubstr("/opt/cc"));
}

TEST_F(CheckingRunnerTest, AToolThatWasAnotherForAMomentIsNoticed) {
  check_.touched_after = 1;
  const auto result = run_checked();
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(is_tool_changed(result.error()));
}

TEST_F(CheckingRunnerTest, NothingIsCheckedForAToolThatIsAllInput) {
  tool_.components.clear();
  EXPECT_TRUE(run_checked().ok());
  EXPECT_EQ(check_.looks, 0);
}

}  // namespace
}  // namespace kiln::exec
