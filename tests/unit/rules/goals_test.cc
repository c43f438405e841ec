// Goals from outside: side effects, answers of one state, unions, and running again.
#include "tests/unit/graph/toys.h"
#include "tests/unit/rules/runtime_fixture.h"

namespace kiln::rules {
namespace {

using graph::toys::UntilStopped;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A side effect of these tests.
class Notebook {
 public:
  static constexpr std::string_view kTypeName = "Notebook";
  static constexpr bool kSideEffect = true;

  Effect write(std::string line) {
    return {[this, line = std::move(line)]() -> Task<Result<void>> {
      if (full) co_return environment_error(ErrorCode::kResourceExhausted, "the notebook is full");
      lines.push_back(line);
      co_return Result<void>();
    }};
  }

  bool full = false;
  std::vector<std::string> lines;
};

struct Never {
  static constexpr std::string_view kTypeName = "Never";
  static void fields(auto&, auto&&) {}
  friend bool operator==(const Never&, const Never&) = default;
};

GoalRule<Gets<Fact(FactName)>> show(Console& console) {
  console.print("showing\n");
  const auto& fact = co_await get<Fact>(FactName{"a"});
  console.print(std::to_string(fact.value) + "\n");
  co_return fact.value == 0 ? 0 : 1;
}
GoalRule<Gets<Fact(FactName)>> note(Console& console, Notebook& notebook) {
  const auto& fact = co_await get<Fact>(FactName{"a"});
  console.print("noting\n");
  const Result<void> written = co_await notebook.write(std::to_string(fact.value));
  console.print(written.ok() ? "noted\n" : written.error().message() + "\n");
  const auto& other = co_await get<Fact>(FactName{"b"});
  console.print(std::to_string(other.value) + "\n");
  co_return 0;
}
GoalRule<Gets<Fact(Never)>> waits_and_notes(Notebook& notebook) {
  (void)co_await try_get<Fact>(Never());
  KILN_CO_TRY(co_await notebook.write("in spite of all"));
  co_return 0;
}
GoalRule<Gets<Fact(Never)>> waits_and_ends() {
  (void)co_await try_get<Fact>(Never());
  co_return 0;
}
GoalRule<Gets<Fact(FactName)>> tries(Console& console) {
  const auto fact = co_await try_get<Fact>(FactName{"a"});
  console.print(fact.ok() ? "there\n" : "missing\n");
  co_return 0;
}

class GoalsTest : public RuntimeTest {
 protected:
  void SetUp() override {
    add_facts();
    set.intrinsic<Fact(Never)>("never", [this](graph::Context& context, const Never&) {
      return wait_until_stopped(context);
    });
    set.goal<&show>("show", "");
    set.goal<&note>("note", "");
    set.goal<&waits_and_notes>("waits-and-notes", "");
    set.goal<&waits_and_ends>("waits-and-ends", "");
    set.goal<&tries>("tries", "");
    set_fact("a", 1);
    set_fact("b", 2);
  }
  Task<Result<Fact>> wait_until_stopped(graph::Context& context) {
    co_await UntilStopped(context.stop_token(), executor);
    co_return user_error(ErrorCode::kCancelled, "stopped");
  }
  EffectSet with_notebook() {
    EffectSet effects;
    effects.add(notebook);
    return effects;
  }
  std::string all_output() const {
    std::string out;
    for (const Console::Text& text : printed) out += text.out;
    return out;
  }

  Notebook notebook;
};

TEST_F(GoalsTest, AGoalIsNeverRemembered) {
  EXPECT_EQ(*goal("show"), 1);
  EXPECT_EQ(*goal("show"), 1);
  EXPECT_EQ(all_output(), "showing\n1\nshowing\n1\n");
}

TEST_F(GoalsTest, WhatChangesUnderAGoalMakesItBeginAnewAndItsOutputIsThrownAway) {
  on_synchronize = [this](int call) {
    if (call == 1) set_fact("a", 0);  // between its read and its end
  };
  EXPECT_EQ(*goal("show"), 0);
  EXPECT_EQ(all_output(), "showing\n0\n");
}

TEST_F(GoalsTest, AGoalBeginsAtTheBarrierThatWasPassedForIt) {
  int passed = 0;
  on_synchronize = [&passed](int) { ++passed; };
  const auto at = surroundings();
  const ClockTick clock = at.synchronize();
  const auto underway = begin_goal("show", {}, clock);
  executor.drain();
  EXPECT_EQ(*underway->answer(), 1);
  EXPECT_EQ(passed, 2) << "that one, and one before it prints";
}

TEST_F(GoalsTest, AChangeSinceTheBarrierThatWasPassedForAGoalIsInItsAnswer) {
  const ClockTick clock = surroundings().synchronize();
  on_synchronize = [this](int call) {
    if (call == 0) set_fact("a", 0);
  };
  const auto underway = begin_goal("show", {}, clock);
  executor.drain();
  EXPECT_EQ(*underway->answer(), 0);
  EXPECT_EQ(all_output(), "showing\n0\n");
}

TEST_F(GoalsTest, AChangeOfWhatAGoalDidNotReadDoesNotMatter) {
  on_synchronize = [this](int call) {
    if (call == 1) set_fact("b", 7);
  };
  EXPECT_EQ(*goal("show"), 1);
  EXPECT_EQ(all_output(), "showing\n1\n");
  EXPECT_THAT(record.take(), SizeIs(1));
}

TEST_F(GoalsTest, AChangeThatIsUndoneDoesNotMatter) {
  on_synchronize = [this](int call) {
    if (call == 1) set_fact("a", 1);
  };
  EXPECT_EQ(*goal("show"), 1);
  EXPECT_EQ(all_output(), "showing\n1\n");
}

TEST_F(GoalsTest, AnErrorOfAStateThatIsGoneIsNotTheAnswer) {
  set_fact("a", std::nullopt);
  on_synchronize = [this](int call) {
    if (call == 1) set_fact("a", 3);
  };
  EXPECT_EQ(*goal("show"), 1);
  EXPECT_EQ(all_output(), "showing\n3\n");
}

TEST_F(GoalsTest, WhatWasToleratedIsCheckedToo) {
  set_fact("a", std::nullopt);
  on_synchronize = [this](int call) {
    if (call == 1) set_fact("a", 3);
  };
  EXPECT_EQ(*goal("tries"), 0);
  EXPECT_EQ(all_output(), "there\n");
}

TEST_F(GoalsTest, WhatKeepsChangingIsNamed) {
  on_synchronize = [this](int call) { set_fact("a", 100 + call); };
  const auto failed = goal("show");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(
      failed.error().message(),
      "read_fact(FactName{name: \"a\"}) kept changing while show ran, 20 times: wait until it "
      "is quiet, then ask again");
  EXPECT_THAT(printed, IsEmpty());
}

TEST_F(GoalsTest, TheAnswersClockIsThatOfTheStateItDescribes) {
  ClockTick at_the_end;
  on_synchronize = [&](int call) {
    if (call == 1) set_fact("b", 7);
  };
  const auto underway = begin_goal("show");
  executor.drain();
  at_the_end = underway->root().clock();
  EXPECT_EQ(at_the_end, surroundings().synchronize());
}

TEST_F(GoalsTest, AnErrorOfAGoalIsItsAnswerAndWhatItSaidIsPrinted) {
  set_fact("a", std::nullopt);
  const auto failed = goal("show");
  EXPECT_EQ(failed.error().message(), "there is no fact a");
  EXPECT_EQ(all_output(), "showing\n");
}

GoalRule<> fails_too_often(Console& console, const int& code) {
  console.print("counted\n");
  co_return code;
}

using ExitCodesTest = RuntimeTest;

TEST_F(ExitCodesTest, AnExitCodeThatWouldBeCutDownToAnotherIsABugsError) {
  set.root<int>();
  set.goal<&fails_too_often>("fail", "");
  for (const int code : {256, 512, -1, 1000}) {
    give(code);
    const auto failed = goal("fail");
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().blame(), Blame::kBug);
    EXPECT_EQ(failed.error().message(), "the goal fail returned " + std::to_string(code) +
                                            "; an exit code is one of 0 to 255");
  }
  give(255);
  EXPECT_EQ(*goal("fail"), 255);
}

// --- effects ---

TEST_F(GoalsTest, AnEffectHappensOnceAndAfterWhatWasSaidBeforeIt) {
  EXPECT_EQ(*goal("note", with_notebook()), 0);
  EXPECT_THAT(notebook.lines, ElementsAre("1"));
  ASSERT_THAT(printed, SizeIs(2));
  EXPECT_EQ(printed[0].out, "noting\n");
  EXPECT_EQ(printed[1].out, "noted\n2\n");
}

TEST_F(GoalsTest, AnEffectDoesNotHappenForAStateThatIsGone) {
  on_synchronize = [this](int call) {
    if (call == 1) set_fact("a", 8);  // after the read, before the effect
  };
  EXPECT_EQ(*goal("note", with_notebook()), 0);
  EXPECT_THAT(notebook.lines, ElementsAre("8"));
  EXPECT_EQ(all_output(), "noting\nnoted\n2\n");
}

TEST_F(GoalsTest, AfterAnEffectThereIsNoWayBack) {
  on_synchronize = [this](int call) {
    if (call >= 2) set_fact("a", 100 + call);
  };
  EXPECT_EQ(*goal("note", with_notebook()), 0);
  EXPECT_THAT(notebook.lines, ElementsAre("1"));
}

TEST_F(GoalsTest, AnEffectThatFailsIsTheGoalsToHandle) {
  notebook.full = true;
  EXPECT_EQ(*goal("note", with_notebook()), 0);
  EXPECT_EQ(all_output(), "noting\nthe notebook is full\n2\n");
}

TEST_F(GoalsTest, AGoalThatIsCancelledHasNoEffect) {
  const auto underway = begin_goal("waits-and-notes", with_notebook());
  executor.drain();
  EXPECT_FALSE(underway->done());
  underway->cancel();
  executor.drain();
  EXPECT_EQ(underway->answer().error().code(), ErrorCode::kCancelled);
  EXPECT_THAT(notebook.lines, IsEmpty());
}

TEST_F(GoalsTest, AGoalThatIsCancelledDoesNotEndWell) {
  const auto underway = begin_goal("waits-and-ends");
  executor.drain();
  underway->cancel();
  executor.drain();
  ASSERT_FALSE(underway->answer().ok());
  EXPECT_EQ(underway->answer().error().code(), ErrorCode::kCancelled);
}

// --- again and again ---

TEST_F(GoalsTest, AGoalHasChangedWhenAndOnlyWhenWhatItReadHas) {
  const auto underway = begin_goal("show");
  executor.drain();
  EXPECT_FALSE(changed(underway->root()));
  set_fact("b", 7);
  EXPECT_FALSE(changed(underway->root())) << "it did not read b";
  set_fact("a", 1);
  EXPECT_FALSE(changed(underway->root())) << "a is what it was";
  set_fact("a", 5);
  EXPECT_TRUE(changed(underway->root()));
}

TEST_F(GoalsTest, AGoalThatFailedHasChangedWhenAndOnlyWhenItsFailureHas) {
  set_fact("a", std::nullopt);
  const auto underway = begin_goal("show");
  executor.drain();
  EXPECT_FALSE(underway->answer().ok());
  EXPECT_FALSE(changed(underway->root()));
  set_fact("b", 7);
  EXPECT_FALSE(changed(underway->root()));
  set_fact("a", 5);
  EXPECT_TRUE(changed(underway->root()));
}

TEST_F(GoalsTest, AnAnswerThatGoesAwayIsAChange) {
  const auto underway = begin_goal("tries");
  executor.drain();
  set_fact("a", std::nullopt);
  EXPECT_TRUE(changed(underway->root()));
}

// --- unions ---

struct Greeted {
  static constexpr std::string_view kTypeName = "Greeted";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Greeted&, const Greeted&) = default;
};
struct Greeting {
  static constexpr std::string_view kTypeName = "Greeting";
  static constexpr bool kUnionBase = true;
  struct Member {
    std::string language;
    MemberOf<Greeting> (*request)(std::string whom);
  };
  template <class M>
  static Member member() {
    return {std::string(M::kLanguage),
            [](std::string whom) { return member_of<Greeting>(M{std::move(whom)}); }};
  }
};
struct InLatin {
  static constexpr std::string_view kTypeName = "InLatin";
  static constexpr std::string_view kLanguage = "latin";
  std::string whom;
  static void fields(auto& self, auto&& field) { field("whom", self.whom); }
  friend bool operator==(const InLatin&, const InLatin&) = default;
};
struct InGerman {
  static constexpr std::string_view kTypeName = "InGerman";
  static constexpr std::string_view kLanguage = "german";
  std::string whom;
  static void fields(auto& self, auto&& field) { field("whom", self.whom); }
  friend bool operator==(const InGerman&, const InGerman&) = default;
};

Rule<Greeted> salve(const InLatin& request) { co_return Greeted{"salve " + request.whom}; }
Rule<Greeted> hallo(const InGerman& request) { co_return Greeted{"hallo " + request.whom}; }
GoalRule<Gets<Greeted(Greeting)>> greet(Console& console, const UnionMembers<Greeting>& languages) {
  std::vector<Get<Greeted, Greeting>> gets;
  for (const auto& language : languages.members) {
    gets.push_back(get<Greeted>(language.what.request(language.what.language)));
  }
  for (const Greeted& greeted : co_await all(std::move(gets))) console.print(greeted.text + "\n");
  co_return 0;
}

class UnionsTest : public RuntimeTest {
 protected:
  void SetUp() override {
    set.union_base<Greeting>();
    set.goal<&greet>("greet", "");
  }
};

TEST_F(UnionsTest, AGetOfAUnionGoesToTheRuleOfItsMember) {
  set.add<&salve>();
  set.add<&hallo>();
  set.member<Greeting, InGerman>();
  set.member<Greeting, InLatin>();
  EXPECT_EQ(*goal("greet"), 0);
  ASSERT_THAT(printed, SizeIs(1));
  EXPECT_EQ(printed[0].out, "hallo german\nsalve latin\n") << "in the order of registration";
  EXPECT_THAT(record.take(), SizeIs(2));
  EXPECT_EQ(*goal("greet"), 0);
  EXPECT_THAT(record.take(), IsEmpty());
}

TEST_F(UnionsTest, AUnionWithoutMembersIsAskedForNothing) {
  EXPECT_EQ(*goal("greet"), 0);
  EXPECT_THAT(record.take(), IsEmpty());
}

TEST_F(UnionsTest, AQueryOfTheBaseIsAskedWithAMember) {
  set.add<&salve>();
  set.add<&hallo>();
  set.member<Greeting, InGerman>();
  set.member<Greeting, InLatin>();
  set.query<Greeted(Greeting)>();
  EXPECT_EQ(ask<Greeted>(InGerman{"Ada"})->text, "hallo Ada");
  EXPECT_EQ(ask<Greeted>(InLatin{"Ada"})->text, "salve Ada");
}

GoalRule<Gets<Greeted(Greeting)>> greet_in_latin() {
  (void)co_await get<Greeted>(member_of<Greeting>(InLatin{"Ada"}));
  co_return 0;
}

TEST_F(UnionsTest, ToAskWithWhatIsNoMemberIsAnErrorThatSaysSo) {
  set.add<&hallo>();
  set.member<Greeting, InGerman>();
  set.goal<&greet_in_latin>("latin", "");
  const Result<int> failed = goal("latin");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message(),
            "get<Greeted>(Greeting) was given InLatin, which is no member of Greeting: register "
            "it, RuleSet::member<Greeting, InLatin>()");
}

}  // namespace
}  // namespace kiln::rules
