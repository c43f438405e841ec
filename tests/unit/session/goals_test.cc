// Goals of a session: what they do to the workspace, and that they answer of one state.
#include "daemon/session/goals.h"

#include <gmock/gmock.h>

#include <functional>

#include "daemon/intrinsics/specs.h"
#include "daemon/intrinsics/tree_contents.h"
#include "daemon/intrinsics/workspace_effect.h"
#include "daemon/rules/effects.h"
#include "daemon/rules/run_param.h"
#include "tests/unit/session/session_fixture.h"

namespace kiln::session {
namespace {

using intrinsics::CreateDigest;
using intrinsics::DigestContents;
using intrinsics::DigestEntries;
using intrinsics::DirectoryDigest;
using intrinsics::PathGlobs;
using rules::get;
using rules::Gets;
using testing::HasSubstr;

// Writes every *.txt of the workspace in capitals below out/.
rules::GoalRule<Gets<DirectoryDigest(PathGlobs), DigestContents(DirectoryDigest),
                     DirectoryDigest(CreateDigest)>>
shout(rules::Console& console, intrinsics::WorkspaceEffect& workspace) {
  const auto& digest = co_await get<DirectoryDigest>(PathGlobs{.globs = {"*.txt"}});
  const auto& contents = co_await get<DigestContents>(digest);
  CreateDigest create;
  for (intrinsics::FileContent file : contents.files) {
    for (char& c : file.content) c = static_cast<char>(std::toupper(c));
    console.print(file.path.str() + "\n");
    create.contents.push_back(std::move(file));
  }
  const auto& made = co_await get<DirectoryDigest>(std::move(create));
  const Result<void> written = co_await workspace.write_digest(made, *RelPath::parse("out"));
  if (!written.ok()) co_return written.error();
  co_return 0;
}

// Writes every *.txt of the workspace below out/.
rules::GoalRule<Gets<DirectoryDigest(PathGlobs)>> copy(intrinsics::WorkspaceEffect& workspace) {
  const auto& digest = co_await get<DirectoryDigest>(PathGlobs{.globs = {"*.txt"}});
  KILN_CO_TRY(co_await workspace.write_digest(digest, *RelPath::parse("out")));
  co_return 0;
}

// Writes out/f, whose content somebody else brought into the store.
rules::GoalRule<Gets<DirectoryDigest(CreateDigest)>> deliver(
    intrinsics::WorkspaceEffect& workspace) {
  CreateDigest create;
  create.files.push_back({*RelPath::parse("out/f"), file_digest_of("of a client"), false});
  const auto& made = co_await get<DirectoryDigest>(std::move(create));
  KILN_CO_TRY(co_await workspace.write_digest(made));
  co_return 0;
}

// Gives a.txt the content of b.txt, and the other way round.
rules::GoalRule<
    Gets<DirectoryDigest(PathGlobs), DigestEntries(DirectoryDigest), DirectoryDigest(CreateDigest)>>
swap(intrinsics::WorkspaceEffect& workspace) {
  const auto& digest = co_await get<DirectoryDigest>(PathGlobs{.globs = {"a.txt", "b.txt"}});
  const auto& entries = co_await get<DigestEntries>(digest);
  CreateDigest create;
  create.files = entries.files;
  std::swap(create.files.at(0).file_digest, create.files.at(1).file_digest);
  const auto& made = co_await get<DirectoryDigest>(std::move(create));
  KILN_CO_TRY(co_await workspace.write_digest(made));
  co_return 0;
}

// What happens between the two writes of the next goal.
std::function<void()> between_writes;  // NOLINT: goal rules are plain functions

// Writes out/f twice.
rules::GoalRule<Gets<DirectoryDigest(CreateDigest)>> write_twice(
    intrinsics::WorkspaceEffect& workspace) {
  for (const char* content : {"first", "second"}) {
    CreateDigest create;
    create.contents.push_back({*RelPath::parse("out/f"), content});
    const auto& made = co_await get<DirectoryDigest>(std::move(create));
    KILN_CO_TRY(co_await workspace.write_digest(made));
    if (std::string_view(content) == "first") between_writes();
  }
  co_return 0;
}

rules::GoalRule<Gets<>> which_run(rules::Console& console, const rules::CurrentRun& current) {
  console.print(std::to_string(current.id.value) + "\n");
  co_return 0;
}

class GoalsTest : public SessionFixture {
 protected:
  GoalsTest() {
    rules::RuleSet set = built_in_rules();
    set.root<intrinsics::Specs>();
    set.root<intrinsics::OutputOptions>();
    set.root<rules::CurrentRun>();
    set.goal<&shout>("shout", "Write in capitals.");
    set.goal<&copy>("copy", "Write the same.");
    set.goal<&deliver>("deliver", "Write what a client gave.");
    set.goal<&swap>("swap", "Swap two files.");
    set.goal<&write_twice>("write-twice", "Write one file twice.");
    set.goal<&which_run>("which", "Say which run asks.");
    rules::RuleGraph::Compiled compiled = rules::RuleGraph::compile(std::move(set));
    EXPECT_NE(compiled.graph, nullptr) << rules::to_text(compiled.errors);
    goals_ = std::move(compiled.graph);
  }
  ~GoalsTest() override {
    router_.detach();
    watcher_->synchronize();
    graph_.reset();  // before the rules that its nodes are of
  }

  Result<GoalAnswer> goal(std::vector<std::string> names) {
    const auto run = begin();
    const Engine engine{*graph_,   files_,    outputs_, writer_,  *store_, home_,
                        blocking_, counters_, *goals_,  changes_, events_};
    GoalClient client;
    client.print = [this](rules::Console::Text text) -> Task<Result<void>> {
      printed_ += text.out;
      co_return Result<void>();
    };
    return sync_wait(home_, run_goals(engine, *run, {std::move(names), {}}, client));
  }

  std::unique_ptr<const rules::RuleGraph> goals_;
  std::string printed_;
};

TEST_F(GoalsTest, AGoalWritesIntoTheWorkspaceAndItsWritesAreSeenByTheNext) {
  write("a.txt", "quiet");
  const auto answer = goal({"shout"});
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->exit_code, 0);
  EXPECT_EQ(printed_, "a.txt\n");
  EXPECT_THAT(captured({"out/**"}), testing::ElementsAre("out/a.txt=QUIET"));
}

TEST_F(GoalsTest, AWriteThatWouldLeaveTheRootIsRefused) {
  write("a.txt", "quiet");
  link("/tmp", "out");
  const auto answer = goal({"shout"});
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message(), HasSubstr("out"));
}

TEST_F(GoalsTest, WhatAGoalWroteItMayReplaceUnlessSomebodyEditedItMeanwhile) {
  between_writes = [] {};
  const auto undisturbed = goal({"write-twice"});
  ASSERT_TRUE(undisturbed.ok()) << undisturbed.error().to_string();
  EXPECT_THAT(captured({"out/f"}), testing::ElementsAre("out/f=second"));
  between_writes = [this] { write("out/f", "an hour of work"); };
  const auto refused = goal({"write-twice"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(refused.error().message(), HasSubstr("\n  out/f\n"));
  EXPECT_THAT(captured({"out/f"}), testing::ElementsAre("out/f=an hour of work"));
}

TEST_F(GoalsTest, WhatAWriteMissesInTheStoreIsCapturedAgain) {
  write("a.txt", "quiet");
  write("b.txt", "still");
  ASSERT_TRUE(goal({"copy"}).ok());
  remove("out");
  store_->lose(file_digest_of("still"));
  const auto answer = goal({"copy"});
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_THAT(captured({"out/**"}), testing::ElementsAre("out/a.txt=quiet", "out/b.txt=still"));
}

TEST_F(GoalsTest, WhatAWriteMissesIsLookedForBeforeItsOnlyCopyIsWrittenOver) {
  write("a.txt", "one");
  write("b.txt", "three");
  ASSERT_TRUE(goal({"swap"}).ok());
  ASSERT_TRUE(goal({"swap"}).ok());
  ASSERT_THAT(captured({"*.txt"}), testing::ElementsAre("a.txt=one", "b.txt=three"));
  store_->lose(file_digest_of("one"));  // which stands in a.txt, and is to be written to b.txt
  const auto answer = goal({"swap"});
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_THAT(captured({"*.txt"}), testing::ElementsAre("a.txt=three", "b.txt=one"));
}

TEST_F(GoalsTest, WhatAWriteMissesInTheStoreIsMadeAgain) {
  write("a.txt", "quiet");
  ASSERT_TRUE(goal({"shout"}).ok());
  remove("out");
  printed_.clear();
  store_->lose(file_digest_of("QUIET"));
  const auto answer = goal({"shout"});
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(printed_, "a.txt\n") << "the body did not begin anew";
  EXPECT_THAT(captured({"out/**"}), testing::ElementsAre("out/a.txt=QUIET"));
}

TEST_F(GoalsTest, AWriteOfWhatNobodyCanBringBackIsAnError) {
  ASSERT_TRUE(store_->blobs().put("of a client").ok());
  ASSERT_TRUE(goal({"deliver"}).ok());
  remove("out");
  store_->lose(file_digest_of("of a client"));
  const auto answer = goal({"deliver"});
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message(), HasSubstr("the store lost"));
  EXPECT_THAT(captured({"out/**"}), testing::IsEmpty());
  ASSERT_TRUE(store_->blobs().put("of a client").ok());
  EXPECT_TRUE(goal({"deliver"}).ok());
}

TEST_F(GoalsTest, AnUnknownGoalIsRefusedBeforeAnyRuns) {
  write("a.txt", "quiet");
  const auto answer = goal({"shout", "shuot"});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(answer.error().message(), HasSubstr("did you mean 'shout'?"));
  EXPECT_EQ(printed_, "");
}

TEST_F(GoalsTest, ARuleMayKnowWhichRunAsks) {
  ASSERT_TRUE(goal({"which"}).ok());
  const std::string first = std::exchange(printed_, "");
  ASSERT_TRUE(goal({"which", "which"}).ok());
  const std::string second = printed_;
  EXPECT_NE(second, first + first) << "another run";
  EXPECT_EQ(second.substr(0, second.size() / 2), second.substr(second.size() / 2)) << "one run";
}

TEST_F(GoalsTest, ALoopThatIsCancelledEndsWithAnErrorAlsoInTheMiddleOfARound) {
  const auto run = begin();
  const Engine engine{*graph_,   files_,    outputs_, writer_,  *store_, home_,
                      blocking_, counters_, *goals_,  changes_, events_};
  GoalClient client;
  client.print = [&run](rules::Console::Text) -> Task<Result<void>> {
    run->cancel();
    co_return Result<void>();
  };
  client.finished = [](const Result<GoalAnswer>&) -> Task<Result<void>> {
    ADD_FAILURE() << "its round has no answer";
    co_return Result<void>();
  };
  const auto ended = sync_wait(home_, watch_goals(engine, *run, {{"which"}, {}}, client));
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().message(), shutting_down().message());
}

TEST_F(GoalsTest, NoGoalIsAnError) { EXPECT_FALSE(goal({}).ok()); }

}  // namespace
}  // namespace kiln::session
