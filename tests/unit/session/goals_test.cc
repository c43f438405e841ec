// Goals of a session: what they do to the workspace, and that they answer of one state.
#include "daemon/session/goals.h"

#include <gmock/gmock.h>

#include "daemon/intrinsics/process_rules.h"
#include "daemon/intrinsics/specs.h"
#include "daemon/intrinsics/workspace_effect.h"
#include "daemon/rules/effects.h"
#include "tests/unit/session/session_fixture.h"

namespace kiln::session {
namespace {

using intrinsics::CreateDigest;
using intrinsics::DigestContents;
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

class GoalsTest : public SessionFixture {
 protected:
  GoalsTest() {
    rules::RuleSet set = intrinsics::tree_rules(rule_services_);
    set.add_all(intrinsics::process_rules(rule_services_));
    set.root<intrinsics::Specs>();
    set.root<intrinsics::OutputOptions>();
    set.goal<&shout>("shout", "Write in capitals.");
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
    const Engine engine{*graph_, files_,    processes_, outputs_, tools_,   writer_, *store_,
                        home_,   blocking_, counters_,  *goals_,  changes_, events_};
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

TEST_F(GoalsTest, AnUnknownGoalIsRefusedBeforeAnyRuns) {
  write("a.txt", "quiet");
  const auto answer = goal({"shout", "shuot"});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(answer.error().message(), HasSubstr("did you mean 'shout'?"));
  EXPECT_EQ(printed_, "");
}

TEST_F(GoalsTest, NoGoalIsAnError) { EXPECT_FALSE(goal({}).ok()); }

}  // namespace
}  // namespace kiln::session
