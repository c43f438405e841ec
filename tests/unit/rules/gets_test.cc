// What a rule's gets do: in what order they answer, how they fail, and what is remembered of it.
#include "tests/unit/graph/toys.h"
#include "tests/unit/rules/runtime_fixture.h"

namespace kiln::rules {
namespace {

using graph::toys::UntilStopped;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

struct Sum {
  static constexpr std::string_view kTypeName = "Sum";
  std::vector<int> terms;
  static void fields(auto& self, auto&& field) { field("terms", self.terms); }
  friend bool operator==(const Sum&, const Sum&) = default;
};
struct Outer {
  static constexpr std::string_view kTypeName = "Outer";
  int value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  friend bool operator==(const Outer&, const Outer&) = default;
};

// Where a rule of these tests writes what it does: a param, so that there is nothing global.
struct Journal {
  static constexpr std::string_view kTypeName = "Journal";
  std::vector<std::string>* lines = nullptr;
  void add(std::string line) const { lines->push_back(std::move(line)); }
  friend bool operator==(const Journal&, const Journal&) = default;
};
void encode_value(Encoder& out, const Journal& journal) {
  out.number(reinterpret_cast<uintptr_t>(journal.lines));
}
class Local {
 public:
  Local(const Journal& journal, std::string name) : journal_(journal), name_(std::move(name)) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { journal_.add("~" + name_); }

 private:
  const Journal& journal_;
  const std::string name_;
};

// A fact that never comes; its rule says when it was told to stop.
struct Never {
  static constexpr std::string_view kTypeName = "Never";
  int which = 0;
  static void fields(auto& self, auto&& field) { field("which", self.which); }
  friend bool operator==(const Never&, const Never&) = default;
};

class GetsTest : public RuntimeTest {
 protected:
  void SetUp() override {
    add_facts();
    set.intrinsic<Outer(Never)>("never", [this](graph::Context& context, const Never& never) {
      return wait_until_stopped(context, never.which);
    });
    set.root<Journal>();
    give(Journal{&lines});
  }
  Task<Result<Outer>> wait_until_stopped(graph::Context& context, int which) {
    co_await UntilStopped(context.stop_token(), executor);
    lines.push_back("stopped " + std::to_string(which));
    co_return user_error(ErrorCode::kCancelled, "stopped");
  }

  std::vector<std::string> lines;
};

// --- order ---

Rule<Sum, Gets<Fact(FactName), Sum(int)>> a_tuple() {
  const auto& [b, nested, a] = co_await all(get<Fact>(FactName{"b"}), get<Sum>(7),  //
                                            get<Fact>(FactName{"a"}));
  co_return Sum{{b.value, nested.terms[0], a.value}};
}
Rule<Sum> seven_times(const int& n) { co_return Sum{{7 * n}}; }

TEST_F(GetsTest, ATupleOfGetsIsAnsweredInItsOrder) {
  set.add<&a_tuple>();
  set.add<&seven_times>();
  set.query<Sum()>();
  set_fact("a", 1);
  set_fact("b", 2);
  EXPECT_THAT(ask<Sum>()->terms, ElementsAre(2, 49, 1));
}

Rule<Sum, Gets<Fact(FactName)>> a_range(const std::string& names) {
  std::vector<Get<Fact, FactName>> gets;
  for (const char name : names) gets.push_back(get<Fact>(FactName{std::string(1, name)}));
  const auto facts = co_await all(std::move(gets));
  Sum sum;
  for (const Fact& fact : facts) sum.terms.push_back(fact.value);
  if (facts.size() > 0) sum.terms.push_back(facts[0].value);
  co_return sum;
}

TEST_F(GetsTest, ARangeOfGetsIsAnsweredInItsOrder) {
  set.add<&a_range>();
  set.query<Sum(std::string)>();
  set_fact("a", 1);
  set_fact("b", 2);
  set_fact("c", 3);
  EXPECT_THAT(ask<Sum>(std::string("cabc"))->terms, ElementsAre(3, 1, 2, 3, 3));
  EXPECT_THAT(ask<Sum>(std::string(""))->terms, IsEmpty());
}

Rule<Sum, Gets<Fact(FactName)>> many_answers_live(const int& n) {
  const auto& first = co_await get<Fact>(FactName{"a"});
  for (int i = 0; i < n; ++i) (void)co_await get<Fact>(FactName{"b"});
  const auto none = co_await all(std::vector<Get<Fact, FactName>>());
  const auto& last = co_await get<Fact>(FactName{"c"});
  co_return Sum{{first.value, static_cast<int>(none.size()), last.value}};
}

TEST_F(GetsTest, WhatARuleGotLivesUntilItReturns) {
  set.add<&many_answers_live>();
  set.query<Sum(int)>();
  set_fact("a", 1);
  set_fact("b", 2);
  set_fact("c", 3);
  EXPECT_THAT(ask<Sum>(100)->terms, ElementsAre(1, 0, 3));
}

Rule<Outer, Gets<Sum(int)>> outer_of_sum(const int& n) {
  co_return Outer{(co_await get<Sum>(n)).terms.front()};
}
Rule<Sum, Gets<Outer(int)>> sum_of_outer(const int& n) {
  co_return Sum{{(co_await get<Outer>(n)).value}};
}
TEST_F(GetsTest, ACircleThatClosesWhenItRunsIsReportedWithItsRules) {
  set.add<&outer_of_sum>();
  set.add<&sum_of_outer>();
  set.query<Outer(int)>();
  const auto answer = ask<Outer>(1);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kCycle);
  EXPECT_EQ(answer.error().message(),
            "computations wait for one another: sum_of_outer(int(1)) → outer_of_sum(int(1)) → "
            "sum_of_outer(int(1))");
}

TEST_F(GetsTest, ARuleThatReadsAChangedFactRunsAgainAndNoOther) {
  set.add<&a_range>();
  set.query<Sum(std::string)>();
  set_fact("a", 1);
  set_fact("b", 2);
  (void)ask<Sum>(std::string("a"));
  (void)ask<Sum>(std::string("b"));
  record.take();
  set_fact("b", 5);
  EXPECT_THAT(ask<Sum>(std::string("a"))->terms, ElementsAre(1, 1));
  EXPECT_THAT(ask<Sum>(std::string("b"))->terms, ElementsAre(5, 5));
  EXPECT_THAT(record.take(),
              ElementsAre("read_fact(FactName{name: \"b\"})", "a_range(str(\"b\"))"));
}

// --- failure ---

Rule<Outer, Gets<Fact(FactName)>> inner(const FactName& name, const Journal& journal) {
  const Local local(journal, "local");
  const auto& fact = co_await get<Fact>(name);
  journal.add("went on");
  co_return Outer{fact.value};
}
Rule<Sum, Gets<Outer(FactName)>> middle(const FactName& name) {
  const auto& outer = co_await get<Outer>(name);
  co_return Sum{{outer.value}};
}

TEST_F(GetsTest, AFailedGetEndsTheRuleWithItsLocalsDestroyed) {
  set.add<&inner>();
  set.query<Outer(FactName)>();
  const auto failed = ask<Outer>(FactName{"a"});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(lines, ElementsAre("~local"));
}

TEST_F(GetsTest, AnErrorCarriesTheChainOfRulesThatLedThere) {
  set.add<&inner>();
  set.add<&middle>();
  set.query<Sum(FactName)>();
  EXPECT_EQ(ask<Sum>(FactName{"a"}).error().to_string(),
            "there is no fact a\n"
            "  while computing inner(FactName{name: \"a\"})\n"
            "  while computing middle(FactName{name: \"a\"})");
}

Rule<Outer> refuses(const int& n) {
  co_return user_error(ErrorCode::kInvalidArgument, "not " + std::to_string(n));
}
Rule<Sum, Gets<Outer(int)>> asks_who_refuses(const int& n) {
  const auto& outer = co_await get<Outer>(n);
  co_return Sum{{outer.value}};
}

TEST_F(GetsTest, TheChainBeginsWithTheRuleThatFailed) {
  set.add<&refuses>();
  set.add<&asks_who_refuses>();
  set.query<Sum(int)>();
  EXPECT_EQ(ask<Sum>(3).error().to_string(),
            "not 3\n  while computing refuses(int(3))\n  while computing asks_who_refuses(int(3))");
}

TEST_F(GetsTest, AnErrorIsNotRemembered) {
  set.add<&inner>();
  set.query<Outer(FactName)>();
  EXPECT_FALSE(ask<Outer>(FactName{"a"}).ok());
  EXPECT_FALSE(ask<Outer>(FactName{"a"}).ok());
  EXPECT_THAT(record.take(), SizeIs(4)) << "both, twice";
  set_fact("a", 4);
  EXPECT_EQ(ask<Outer>(FactName{"a"})->value, 4);
}

TEST_F(GetsTest, NothingThatAFailureWentThroughIsRemembered) {
  set.add<&inner>();
  set.add<&middle>();
  set.query<Sum(FactName)>();
  const auto through = {"middle(FactName{name: \"a\"})", "inner(FactName{name: \"a\"})",
                        "read_fact(FactName{name: \"a\"})"};
  for (int times = 0; times < 3; ++times) {
    EXPECT_FALSE(ask<Sum>(FactName{"a"}).ok());
    EXPECT_THAT(record.take(), testing::ElementsAreArray(through));
  }
}

TEST_F(GetsTest, ASecondWaiterGetsTheSameErrorOfTheOneRun) {
  set.add<&inner>();
  set.query<Outer(FactName)>();
  const auto first = begin<Outer>(FactName{"a"});
  const auto second = begin<Outer>(FactName{"a"});
  executor.drain();
  EXPECT_EQ(first->answer().error().to_string(), second->answer().error().to_string());
  EXPECT_THAT(record.take(),
              ElementsAre("inner(FactName{name: \"a\"})", "read_fact(FactName{name: \"a\"})"));
}

Rule<Sum, Gets<Outer(Never), Fact(FactName)>> waits_beside_a_failure(const Journal& journal) {
  const Local local(journal, "local");
  const auto& [a, fact, b] =
      co_await all(get<Outer>(Never{1}), get<Fact>(FactName{"missing"}), get<Outer>(Never{2}));
  journal.add("went on");
  co_return Sum{{a.value, fact.value, b.value}};
}

TEST_F(GetsTest, TheFirstFailureOfSeveralCancelsItsSiblings) {
  set.add<&waits_beside_a_failure>();
  set.query<Sum()>();
  EXPECT_EQ(ask<Sum>().error().message(), "there is no fact missing");
  EXPECT_THAT(lines, UnorderedElementsAre("~local", "stopped 1", "stopped 2"));
}

Rule<Sum, Gets<Outer(Never)>> waits_for_ever(const Journal& journal) {
  const Local local(journal, "local");
  const auto& outer = co_await get<Outer>(Never{1});
  journal.add("went on");
  co_return Sum{{outer.value}};
}

TEST_F(GetsTest, ARuleThatNobodyWaitsForAnyMoreIsDestroyedWhereItWaits) {
  set.add<&waits_for_ever>();
  set.query<Sum()>();
  const auto first = begin<Sum>();
  const auto second = begin<Sum>();
  executor.drain();
  first->cancel();
  executor.drain();
  EXPECT_EQ(first->answer().error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(second->done());
  EXPECT_THAT(lines, IsEmpty()) << "the other still waits";
  second->cancel();
  executor.drain();
  EXPECT_EQ(second->answer().error().code(), ErrorCode::kCancelled);
  EXPECT_THAT(lines, UnorderedElementsAre("stopped 1", "~local"));
}

Rule<Outer> throws(const int& n) {
  if (n == 0) throw 0;  // NOLINT: no std::exception on purpose
  if (n == 1) throw std::runtime_error("out of luck");
  co_return Outer{n};
}

TEST_F(GetsTest, AnExceptionIsABugsError) {
  set.add<&throws>();
  set.query<Outer(int)>();
  const auto failed = ask<Outer>(1);
  EXPECT_EQ(failed.error().code(), ErrorCode::kInternal);
  EXPECT_EQ(failed.error().blame(), Blame::kBug);
  EXPECT_EQ(failed.error().to_string(),
            "a rule threw out of luck\n  while computing throws(int(1))");
  EXPECT_THAT(ask<Outer>(0).error().message(), HasSubstr("no std::exception"));
}

// --- try_get ---

Rule<Sum, Gets<Fact(FactName)>> tolerates(const FactName& name) {
  const Result<Ref<Fact>> fact = co_await try_get<Fact>(name);
  if (!fact.ok()) co_return Sum{{-1}};
  co_return Sum{{(*fact)->value}};
}
Rule<Outer, Gets<Sum(FactName)>> above_tolerates(const FactName& name) {
  const auto& sum = co_await get<Sum>(name);
  co_return Outer{sum.terms[0]};
}

TEST_F(GetsTest, ARuleThatTriesGoesOnWithoutAnAnswer) {
  set.add<&tolerates>();
  set.query<Sum(FactName)>();
  EXPECT_THAT(ask<Sum>(FactName{"a"})->terms, ElementsAre(-1));
}

TEST_F(GetsTest, WhatWasMadeInSpiteOfAnErrorIsMadeAgainOnceItsCauseIsMended) {
  set.add<&tolerates>();
  set.add<&above_tolerates>();
  set.query<Outer(FactName)>();
  EXPECT_EQ(ask<Outer>(FactName{"a"})->value, -1);
  // Mended behind the graph's back: nothing was invalidated, for no value was there to be.
  set_fact("a", 5);
  EXPECT_EQ(ask<Outer>(FactName{"a"})->value, 5);
  record.take();
  EXPECT_EQ(ask<Outer>(FactName{"a"})->value, 5);
  EXPECT_THAT(record.take(), IsEmpty()) << "now it is remembered";
}

Rule<Sum, Gets<Fact(FactName)>> tries_a_range() {
  std::vector<TryGet<Fact, FactName>> tries;
  for (const char* name : {"a", "missing", "b"}) tries.push_back(try_get<Fact>(FactName{name}));
  Sum sum;
  for (const Result<Ref<Fact>>& fact : co_await all(std::move(tries))) {
    sum.terms.push_back(fact.ok() ? (*fact)->value : -1);
  }
  co_return sum;
}

TEST_F(GetsTest, SeveralThatAreTriedAreEachAnswered) {
  set.add<&tries_a_range>();
  set.query<Sum()>();
  set_fact("a", 1);
  set_fact("b", 2);
  EXPECT_THAT(ask<Sum>()->terms, ElementsAre(1, -1, 2));
}

Rule<Sum, Gets<Fact(FactName)>> tries_one_and_needs_the_other(const std::string& needed) {
  const auto [tried, got] =
      co_await all(try_get<Fact>(FactName{"missing"}), get<Fact>(FactName{needed}));
  co_return Sum{{tried.ok() ? 1 : 0, got.value}};
}

TEST_F(GetsTest, AGetBesideATryStillEndsTheRule) {
  set.add<&tries_one_and_needs_the_other>();
  set.query<Sum(std::string)>();
  set_fact("a", 1);
  EXPECT_THAT(ask<Sum>(std::string("a"))->terms, ElementsAre(0, 1));
  EXPECT_EQ(ask<Sum>(std::string("b")).error().message(), "there is no fact b");
}

Rule<Sum, Gets<Outer(Never), Fact(FactName)>> tries_beside_a_failure(const Journal& journal) {
  const Local local(journal, "local");
  const auto [a, fact, b] =
      co_await all(try_get<Outer>(Never{1}), get<Fact>(FactName{"missing"}), get<Outer>(Never{2}));
  journal.add("went on");
  co_return Sum{{a.ok() ? 1 : 0, fact.value, b.value}};
}

TEST_F(GetsTest, AGetThatFailsCancelsWhatIsTriedBesideIt) {
  set.add<&tries_beside_a_failure>();
  set.query<Sum()>();
  EXPECT_EQ(ask<Sum>().error().message(), "there is no fact missing");
  EXPECT_THAT(lines, UnorderedElementsAre("~local", "stopped 1", "stopped 2"));
}

Rule<Sum, Gets<Outer(Never), Fact(FactName)>> tries_beside_who_waits() {
  const auto [tried, waiting] =
      co_await all(try_get<Fact>(FactName{"missing"}), get<Outer>(Never{1}));
  co_return Sum{{tried.ok() ? 1 : 0, waiting.value}};
}

TEST_F(GetsTest, WhatIsTriedAndFailsCancelsNothing) {
  set.add<&tries_beside_who_waits>();
  set.query<Sum()>();
  const auto sum = begin<Sum>();
  executor.drain();
  EXPECT_FALSE(sum->done());
  EXPECT_THAT(lines, IsEmpty());
  sum->cancel();
  executor.drain();
  EXPECT_EQ(sum->answer().error().code(), ErrorCode::kCancelled);
}

GoalRule<Gets<Outer(Never), Fact(FactName)>> goal_beside_a_failure(const Journal& journal) {
  const Local local(journal, "local");
  const auto [a, fact] = co_await all(try_get<Outer>(Never{1}), get<Fact>(FactName{"missing"}));
  co_return a.ok() ? fact.value : 1;
}

TEST_F(GetsTest, InAGoalTooAFailureCancelsItsSiblings) {
  set.goal<&goal_beside_a_failure>("fail", "");
  const Result<int> failed = goal("fail");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message(), "there is no fact missing");
  EXPECT_THAT(lines, UnorderedElementsAre("~local", "stopped 1"));
}

Rule<Sum, Gets<Fact(FactName)>> gives_up_later(const FactName& name) {
  const auto fact = co_await try_get<Fact>(name);
  if (fact.ok()) co_return Sum{};
  co_return fact.error();
}

TEST_F(GetsTest, ATriedErrorThatIsReturnedNamesTheRuleOnce) {
  set.add<&gives_up_later>();
  set.query<Sum(FactName)>();
  EXPECT_EQ(ask<Sum>(FactName{"a"}).error().to_string(),
            "there is no fact a\n  while computing gives_up_later(FactName{name: \"a\"})");
}

// --- how long values hold ---

Rule<Outer> of_this_run() { co_return Outer{1}; }
Rule<Sum, Gets<Outer()>> above_of_this_run() {
  const auto& [a, b] = co_await all(get<Outer>(), get<Outer>());
  co_return Sum{{a.value, b.value}};
}

TEST_F(GetsTest, AnUncacheableRuleRunsOnceInEachRun) {
  set.add<&of_this_run>({.uncacheable = true});
  set.add<&above_of_this_run>();
  set.query<Sum()>();
  (void)ask<Sum>();
  EXPECT_THAT(record.take(), ElementsAre("above_of_this_run", "of_this_run"));
  (void)ask<Sum>();
  EXPECT_THAT(record.take(), IsEmpty());
  ++run.value;
  (void)ask<Sum>();
  EXPECT_THAT(record.take(), ElementsAre("of_this_run")) << "and it was as before";
}

// --- size ---

Rule<Outer, Gets<Outer(int)>> counts_down(const int& n) {
  if (n == 0) co_return Outer{0};
  const auto& below = co_await get<Outer>(n - 1);
  co_return Outer{below.value + 1};
}

TEST_F(GetsTest, TenThousandLevelsCostNoStack) {
  set.add<&counts_down>();
  set.query<Outer(int)>();
  EXPECT_EQ(ask<Outer>(10'000)->value, 10'000);
  EXPECT_THAT(record.take(), SizeIs(10'001));
}

Rule<Sum, Gets<Outer(int)>> spreads(const int& n) {
  std::vector<Get<Outer, int>> gets;
  for (int i = 0; i < n; ++i) gets.push_back(get<Outer>(i % 100));
  Sum sum;
  for (const Outer& outer : co_await all(std::move(gets))) sum.terms.push_back(outer.value);
  co_return sum;
}

TEST_F(GetsTest, OnThreadsEachNodeRunsOnceForAllWhoAsk) {
  use_threads(4);
  set.add<&counts_down>();
  set.add<&spreads>();
  set.query<Sum(int)>();
  std::vector<UnderwayValue> underway;
  for (int i = 0; i < 16; ++i) underway.push_back(begin<Sum>(1000 + i % 4));
  for (int i = 0; i < 16; ++i) {
    const Result<graph::ValueRef> answer = underway[i]->wait();
    ASSERT_TRUE(answer.ok());
    const Sum& sum = graph::value_as<Sum>(*answer);
    EXPECT_THAT(sum.terms, SizeIs(1000 + i % 4));
    for (size_t n = 0; n < sum.terms.size(); ++n) ASSERT_EQ(sum.terms[n], n % 100);
  }
  EXPECT_THAT(record.take(), SizeIs(4 + 100));
}

}  // namespace
}  // namespace kiln::rules
