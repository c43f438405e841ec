// Processes of callers: what is refused, where results come from, who cancels whom.
#include <cmath>
#include <limits>

#include "tests/support/eventually.h"
#include "tests/unit/session/session_fixture.h"

namespace kiln::session {
namespace {

using test::eventually;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ExecutionsTest : public SessionFixture {
 protected:
  void refused(ProcessSpec spec, const std::string& why) {
    const auto run = begin();
    const auto answer = execute(*run, std::move(spec));
    ASSERT_FALSE(answer.ok()) << why;
    EXPECT_THAT(answer.error().to_string(), HasSubstr(why));
    EXPECT_EQ(answer.error().blame(), Blame::kUser);
    EXPECT_THAT(runner_.ran(), IsEmpty());
  }

  // An execution that goes on while the test does something else.
  struct Asked {
    std::shared_ptr<session::Run> run;
    std::optional<Result<Executed>> answer;
    Scope scope;
  };
  std::unique_ptr<Asked> ask(ProcessSpec spec) {
    auto asked = std::make_unique<Asked>();
    asked->run = begin();
    asked->scope.spawn(
        home_, [](ExecutionsTest& test, Asked& asked, ProcessSpec spec) -> Task<void> {
          asked.answer.emplace(
              co_await session::execute(test.engine_, *asked.run, std::move(spec), {}));
        }(*this, *asked, std::move(spec)));
    return asked;
  }
};

TEST_F(ExecutionsTest, WhatCannotBeAProcessIsRefusedByName) {
  refused({}, "argv is empty");
  ProcessSpec s = spec("x");
  s.argv.push_back(std::string("a\0b", 3));
  refused(s, "NUL byte");
  s = spec("x");
  s.env = {{"A=B", "c"}};
  refused(s, "'A=B' cannot be an environment variable");
  s = spec("x");
  s.working_directory = "../up";
  refused(s, "as the working directory");
  s = spec("x");
  s.output_files = {"."};
  refused(s, "cannot be an output file");
  s = spec("x");
  s.output_directories = {"/abs"};
  refused(s, "as an output directory");
  s = spec("x");
  s.input_globs = {"missing.txt"};
  refused(s, "the inputs of 'x'");
  s = spec("x");
  s.argv = {"no-such-tool"};
  refused(s, "no-such-tool");
  for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity(), 1e300}) {
    s = spec("x");
    s.timeout_seconds = bad;
    refused(s, "a timeout is a number of seconds");
  }
}

TEST_F(ExecutionsTest, AnInputTreeThatIsNotThereSaysWhatToDo) {
  ProcessSpec s = spec("x");
  s.input_digests = {directory_digest_of("never stored")};
  refused(s, "capture or create it again");
}

TEST_F(ExecutionsTest, TheFirstRunsAndTheSecondIsMemoized) {
  EXPECT_EQ(execute(*begin(), spec("x"))->source, ResultSource::kRan);
  EXPECT_EQ(execute(*begin(), spec("x"))->source, ResultSource::kMemoized);
  EXPECT_THAT(runner_.ran(), ElementsAre("x"));
  EXPECT_EQ(counters_["process.memoized"].value(), 1);
}

TEST_F(ExecutionsTest, WhatTheCacheHeldIsALocalHitAndThenMemoized) {
  runner_.result.source = exec::Source::kHitLocally;
  EXPECT_EQ(execute(*begin(), spec("x"))->source, ResultSource::kHitLocally);
  EXPECT_EQ(execute(*begin(), spec("x"))->source, ResultSource::kMemoized);
}

TEST_F(ExecutionsTest, AnEditedInputRunsAgainAndUndoingItDoesNot) {
  ProcessSpec s = spec("x");
  s.input_globs = {"in"};
  write("in", "1");
  const Digest first = execute(*begin(), s)->action;
  write("in", "2");
  EXPECT_EQ(execute(*begin(), s)->source, ResultSource::kRan);
  write("in", "1");
  const auto undone = execute(*begin(), s);
  EXPECT_EQ(undone->source, ResultSource::kMemoized);
  EXPECT_EQ(undone->action, first);
}

TEST_F(ExecutionsTest, TwoRunsJoinOneProcess) {
  runner_.waits = true;
  const auto one = ask(spec("x"));
  ASSERT_TRUE(eventually([&] { return runner_.waiting() == 1; }));
  const auto two = ask(spec("x"));
  ASSERT_TRUE(eventually([&] { return graph_->stats().joined >= 1; }));
  ASSERT_TRUE(runner_.finish_one());
  one->scope.join();
  two->scope.join();
  EXPECT_EQ((*one->answer)->source, ResultSource::kRan);
  EXPECT_EQ((*two->answer)->source, ResultSource::kMemoized);
  EXPECT_THAT(runner_.ran(), ElementsAre("x"));
}

TEST_F(ExecutionsTest, CancellingOneOfTwoLeavesTheProcessToTheOther) {
  runner_.waits = true;
  const auto one = ask(spec("x"));
  ASSERT_TRUE(eventually([&] { return runner_.waiting() == 1; }));
  const auto two = ask(spec("x"));
  ASSERT_TRUE(eventually([&] { return graph_->stats().joined >= 1; }));
  one->run->cancel();
  one->scope.join();
  EXPECT_EQ(one->answer->error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(runner_.killed(), 0);
  ASSERT_TRUE(runner_.finish_one());
  two->scope.join();
  EXPECT_TRUE(two->answer->ok());
}

TEST_F(ExecutionsTest, CancellingTheLastKillsTheProcess) {
  runner_.waits = true;
  const auto one = ask(spec("x"));
  ASSERT_TRUE(eventually([&] { return runner_.waiting() == 1; }));
  one->run->cancel();
  one->scope.join();
  EXPECT_TRUE(eventually([&] { return runner_.killed() == 1; }));
  runner_.waits = false;
  EXPECT_EQ(execute(*begin(), spec("x"))->source, ResultSource::kRan) << "it is not remembered";
}

TEST_F(ExecutionsTest, OutputsAreWrittenIntoTheWorkspaceAndSeenByTheNextCapture) {
  const auto outputs = *store::tree_of({file("out/f", "made")});
  ASSERT_TRUE(store_->trees().save(outputs).ok());
  runner_.result.result.output_digest = outputs->digest();
  EXPECT_THAT(captured({"out/**"}), IsEmpty());
  ASSERT_TRUE(execute(*begin(), spec("x"), {.write_outputs = WriteOutputs::kOnSuccess}).ok());
  EXPECT_THAT(captured({"out/**"}), ElementsAre("out/f=made"));
}

TEST_F(ExecutionsTest, AKeptSandboxIsNamedToTheRunThatKeptItOnly) {
  struct : intrinsics::OutputFollower {
    void started(const std::string&) override {}
    bool output(exec::ProcessObserver::Stream, uint64_t, std::string_view) override { return true; }
  } follower;
  runner_.result.kept_sandbox = "/kept";
  const ExecuteOptions keep{.keep = exec::KeepSandboxes::kAlways, .follower = &follower};
  EXPECT_EQ(execute(*begin(), spec("x"), keep)->result.kept_sandbox, "/kept");
  EXPECT_EQ(runner_.keep(), exec::KeepSandboxes::kAlways);
  EXPECT_EQ(execute(*begin(), spec("x"), keep)->result.kept_sandbox, "");
}

TEST_F(ExecutionsTest, AResultThatEqualsAnOldOneHasFactsOfItsOwn) {
  runner_.result.result.exit_code = 3;
  runner_.result.result.wall_seconds = 1;
  runner_.result.kept_sandbox = "/first";
  const ExecuteOptions keep{.keep = exec::KeepSandboxes::kAlways};
  EXPECT_EQ(execute(*begin(), spec("x"), keep)->result.kept_sandbox, "/first");
  runner_.result.result.wall_seconds = 2;
  runner_.result.kept_sandbox = "/second";
  const auto again = execute(*begin(), spec("x"), keep);
  EXPECT_EQ(again->source, ResultSource::kRan);
  EXPECT_EQ(again->result.kept_sandbox, "/second");
  EXPECT_EQ(again->result.result.wall_seconds, 2);
}

TEST_F(ExecutionsTest, AMemoizedResultTellsTheTimesOfTheRunThatMadeIt) {
  ProcessSpec s = spec("x");
  s.cache_scope = exec::CacheScope::kPerSession;
  runner_.result.result.wall_seconds = 1;
  ASSERT_TRUE(execute(*begin(), s).ok());
  runner_.result.result.wall_seconds = 2;
  const auto run = begin();
  ASSERT_TRUE(execute(*run, s).ok());
  const auto again = execute(*run, s);
  EXPECT_EQ(again->source, ResultSource::kMemoized);
  EXPECT_EQ(again->result.result.wall_seconds, 2);
}

TEST_F(ExecutionsTest, WhoDidNotAskForASandboxIsToldOfNone) {
  runner_.result.kept_sandbox = "/kept";
  EXPECT_EQ(execute(*begin(), spec("x"))->result.kept_sandbox, "");
}

TEST_F(ExecutionsTest, ASandboxIsKeptForThoseWhoFollowNothing) {
  ASSERT_TRUE(execute(*begin(), spec("x"), {.keep = exec::KeepSandboxes::kAlways}).ok());
  EXPECT_EQ(runner_.keep(), exec::KeepSandboxes::kAlways);
}

TEST_F(ExecutionsTest, MissingOutputsAreAnErrorForWhoRequiresThemAlone) {
  runner_.result.result.missing_outputs = {"o"};
  ProcessSpec required = spec("x");
  required.require_outputs = true;
  EXPECT_TRUE(execute(*begin(), spec("x")).ok());
  EXPECT_FALSE(execute(*begin(), required).ok());
  EXPECT_TRUE(execute(*begin(), spec("x")).ok());
}

TEST_F(ExecutionsTest, WhatIsRememberedWithoutItsOutputsRunsAgainForWhoRequiresThem) {
  ProcessSpec required = spec("x");
  required.require_outputs = true;
  runner_.result.result.missing_outputs = {"o"};
  ASSERT_TRUE(execute(*begin(), spec("x")).ok());
  const auto missing = execute(*begin(), required);
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message(), HasSubstr("\n  o"));
  EXPECT_EQ(runner_.ran().size(), 2u) << "once more, not for ever";
  runner_.result.result.missing_outputs = {};
  const auto made = execute(*begin(), required);
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(made->source, ResultSource::kRan);
  EXPECT_EQ(runner_.ran().size(), 3u);
  EXPECT_EQ(execute(*begin(), required)->source, ResultSource::kMemoized);
  EXPECT_EQ(execute(*begin(), spec("x"))->source, ResultSource::kMemoized);
}

TEST_F(ExecutionsTest, WhatRanInThisRunIsNotRepeatedForItsOutputs) {
  runner_.result.result.missing_outputs = {"o"};
  ProcessSpec required = spec("x");
  required.require_outputs = true;
  const auto run = begin();
  ASSERT_TRUE(execute(*run, spec("x")).ok());
  EXPECT_FALSE(execute(*run, required).ok());
  EXPECT_EQ(runner_.ran().size(), 1u);
}

TEST_F(ExecutionsTest, AJoinedCallerGetsTheAnswerToItsOwnQuestion) {
  runner_.waits = true;
  runner_.result.result.missing_outputs = {"o"};
  ProcessSpec required = spec("x");
  required.require_outputs = true;
  const auto one = ask(required);
  ASSERT_TRUE(eventually([&] { return runner_.waiting() == 1; }));
  const auto two = ask(spec("x"));
  ASSERT_TRUE(eventually([&] { return graph_->stats().joined >= 1; }));
  ASSERT_TRUE(runner_.finish_one());
  two->scope.join();
  EXPECT_TRUE(two->answer->ok());
  one->scope.join();
  EXPECT_FALSE(one->answer->ok());
}

TEST_F(ExecutionsTest, AFailureIsItselfHoweverManyOutputsItLacks) {
  runner_.result.result.exit_code = 4;
  runner_.result.result.missing_outputs = {"o"};
  ProcessSpec required = spec("x");
  required.require_outputs = true;
  EXPECT_EQ(execute(*begin(), required)->result.result.exit_code, 4);
}

}  // namespace
}  // namespace kiln::session
