// Options of a run: those of kiln.toml, and that an answer is of one state of it.
#include "daemon/session/current_options.h"

#include <gmock/gmock.h>

#include "daemon/rules/effects.h"
#include "daemon/session/goals.h"
#include "tests/unit/session/session_fixture.h"

namespace kiln::session {
namespace {

using rules::get;
using rules::Gets;
using testing::HasSubstr;

struct WordOptions {
  static constexpr std::string_view kTypeName = "WordOptions";
  static constexpr std::string_view kScope = "word";
  std::string text = "default";
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const WordOptions&, const WordOptions&) = default;
};
// What the goal waits for while it runs.
struct Meanwhile {
  static constexpr std::string_view kTypeName = "Meanwhile";
  bool done = true;
  static void fields(auto& self, auto&& field) { field("done", self.done); }
  friend bool operator==(const Meanwhile&, const Meanwhile&) = default;
};
struct WordRequest {
  static constexpr std::string_view kTypeName = "WordRequest";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const WordRequest&, const WordRequest&) = default;
};

rules::GoalRule<Gets<Meanwhile(WordRequest)>> say(rules::Console& console,
                                                  const WordOptions& options) {
  co_await get<Meanwhile>(WordRequest{options.text});
  console.print(options.text + "\n");
  co_return options.text == "bad" ? 1 : 0;
}

class CurrentOptionsTest : public SessionFixture {
 protected:
  CurrentOptionsTest() {
    rules::RuleSet set = built_in_rules();
    set.options<WordOptions>();
    set.intrinsic<Meanwhile(WordRequest)>(
        "meanwhile",
        [this](graph::Context&, const WordRequest& request) -> Task<Result<Meanwhile>> {
          ran_.push_back(request.text);
          if (meanwhile_) std::exchange(meanwhile_, nullptr)();
          co_return Meanwhile{};
        });
    set.goal<&say>("say", "Say the word.");
    rules::RuleGraph::Compiled compiled = rules::RuleGraph::compile(std::move(set));
    EXPECT_NE(compiled.graph, nullptr) << rules::to_text(compiled.errors);
    said_ = std::move(compiled.graph);
  }
  ~CurrentOptionsTest() override {
    router_.detach();
    watcher_->synchronize();
    graph_.reset();  // before the rules that its nodes are of
  }

  // What the goal prints, or the error.
  std::string say_it(RootRequest request = {}, std::vector<std::string> goals = {"say"}) {
    const auto run = begin();
    const Engine engine{*graph_,   files_,    outputs_, writer_,  *store_, home_,
                        blocking_, counters_, *said_,   changes_, events_};
    std::string printed;
    GoalClient client;
    client.print = [&printed](rules::Console::Text text) -> Task<Result<void>> {
      printed += text.out;
      co_return Result<void>();
    };
    const auto answer =
        sync_wait(home_, run_goals(engine, *run, {std::move(goals), std::move(request)}, client));
    return answer.ok() ? printed : answer.error().message();
  }

  std::unique_ptr<const rules::RuleGraph> said_;
  std::function<void()> meanwhile_;
  std::vector<std::string> ran_;
};

TEST_F(CurrentOptionsTest, AreThoseOfTheFileBelowThoseOfTheCaller) {
  EXPECT_EQ(say_it(), "default\n");
  write("kiln.toml", "[word]\ntext = 'file'\n");
  EXPECT_EQ(say_it(), "file\n");
  RootRequest caller;
  caller.option_variables = {{"KILN_WORD_TEXT", "variable"}};
  EXPECT_EQ(say_it(caller), "variable\n");
  caller.options.push_back({"word", "text", "flag"});
  EXPECT_EQ(say_it(caller), "flag\n");
}

TEST_F(CurrentOptionsTest, NothingRunsAgainForWhatSetsTheSame) {
  write("kiln.toml", "[word]\ntext = 'a'\n");
  say_it();
  write("kiln.toml", "# the same\n[word]\ntext = \"a\"\n");
  EXPECT_EQ(say_it(), "a\n");
  EXPECT_EQ(ran_, std::vector<std::string>{"a"});
}

TEST_F(CurrentOptionsTest, AnEditDuringARunIsInItsAnswer) {
  write("kiln.toml", "[word]\ntext = 'old'\n");
  meanwhile_ = [this] { write("kiln.toml", "[word]\ntext = 'new'\n"); };
  EXPECT_EQ(say_it(), "new\n") << "and nothing was printed of the old";
  EXPECT_EQ(ran_, (std::vector<std::string>{"old", "new"}));
}

TEST_F(CurrentOptionsTest, AFileThatBreaksDuringARunIsTheAnswer) {
  meanwhile_ = [this] { write("kiln.toml", "[word\n"); };
  EXPECT_THAT(say_it(), HasSubstr("kiln.toml:1:6: no TOML"));
}

TEST_F(CurrentOptionsTest, AGoalPassesOneBarrierBeforeItAsksAndOneBeforeItPrints) {
  write("kiln.toml", "[word]\ntext = 'file'\n");
  say_it();
  (void)watcher_->barriers();
  EXPECT_EQ(say_it(), "file\n");
  EXPECT_EQ(watcher_->barriers(), 2);
}

TEST_F(CurrentOptionsTest, WhatIsWrongWithThemIsSaidOnceAndBeforeAnythingRuns) {
  RootRequest caller;
  caller.options.push_back({"word", "txet", "flag"});
  EXPECT_THAT(say_it(caller), HasSubstr("there is no option word.txet; did you mean 'text'?"));
  EXPECT_THAT(ran_, testing::IsEmpty());
}

TEST_F(CurrentOptionsTest, AFileWhoseContentTheStoreLostIsReadAgain) {
  write("kiln.toml", "[word]\ntext = 'file'\n");
  EXPECT_EQ(say_it(), "file\n");
  store_->lose(file_digest_of("[word]\ntext = 'file'\n"));
  const Hash128 config = files_.config(workspace_).hash;
  graph_->invalidate({&config, 1});
  EXPECT_EQ(say_it(), "file\n");
}

TEST_F(CurrentOptionsTest, AreReadFromTheStoreWhereThatMayTakeLong) {
  write("kiln.toml", "[word]\ntext = 'file'\n");
  write(".gitignore", "out/\n");
  (void)store_->take_readers();
  EXPECT_EQ(say_it(), "file\n");
  capture({"**"});
  EXPECT_EQ(store_->take_readers(), std::set<std::string>{"blocking"});
}

TEST_F(CurrentOptionsTest, EachGoalOfARunHasItsOwn) {
  write("kiln.toml", "[word]\ntext = 'bad'\n");
  EXPECT_EQ(say_it({}, {"say", "say"}), "bad\n") << "the first says no";
  write("kiln.toml", "[word]\ntext = 'good'\n");
  EXPECT_EQ(say_it({}, {"say", "say"}), "good\ngood\n");
}

}  // namespace
}  // namespace kiln::session
