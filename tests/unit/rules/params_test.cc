// Params and options: which nodes are shared, and which are not.
#include "daemon/rules/run_param.h"
#include "tests/unit/rules/runtime_fixture.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

struct Name {
  static constexpr std::string_view kTypeName = "Name";
  std::string name;
  static void fields(auto& self, auto&& field) { field("name", self.name); }
  friend bool operator==(const Name&, const Name&) = default;
};
struct Age {
  static constexpr std::string_view kTypeName = "Age";
  int years = 0;
  static void fields(auto& self, auto&& field) { field("years", self.years); }
  friend bool operator==(const Age&, const Age&) = default;
};
struct Text {
  static constexpr std::string_view kTypeName = "Text";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Text&, const Text&) = default;
};
struct Letter {
  static constexpr std::string_view kTypeName = "Letter";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Letter&, const Letter&) = default;
};

using ParamsTest = RuntimeTest;

Rule<Age> age_of(const Name& name) { co_return Age{static_cast<int>(name.name.size())}; }
Rule<Text> introduce(const Name& name, const Age& age) {
  co_return Text{name.name + " is " + std::to_string(age.years)};
}

TEST_F(ParamsTest, AnArgumentIsFoundAmongTheParamsOrMadeOfThem) {
  set.add<&age_of>();
  set.add<&introduce>();
  set.query<Text(Name)>();
  EXPECT_EQ(ask<Text>(Name{"Ada"})->text, "Ada is 3");
  EXPECT_THAT(record.take(),
              ElementsAre("introduce(Name{name: \"Ada\"})", "age_of(Name{name: \"Ada\"})"));
}

TEST_F(ParamsTest, AParamThatIsGivenIsNotMade) {
  set.add<&age_of>();
  set.add<&introduce>();
  set.query<Text(Name, Age)>();
  EXPECT_EQ((ask<Text>(Name{"Ada"}, Age{36})->text), "Ada is 36");
  EXPECT_THAT(record.take(), ElementsAre("introduce(Name{name: \"Ada\"})"));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): that it works is what is tested
Rule<Text> shout(Name name, Age age) {
  name.name += "!";
  co_return Text{name.name + std::to_string(age.years)};
}

TEST_F(ParamsTest, ARuleMayTakeItsParamsByValue) {
  set.add<&shout>();
  set.query<Text(Name, Age)>();
  EXPECT_EQ((ask<Text>(Name{"Ada"}, Age{36})->text), "Ada!36");
}

Rule<Letter, Gets<Text(Age)>> write_letter(const Name& name) {
  const auto& text = co_await get<Text>(Age{40});
  co_return Letter{"Dear " + name.name + ": " + text.text};
}

TEST_F(ParamsTest, TheInputOfAGetJoinsTheParamsInScope) {
  set.add<&write_letter>();
  set.add<&introduce>();
  set.query<Letter(Name)>();
  EXPECT_EQ(ask<Letter>(Name{"Ada"})->text, "Dear Ada: Ada is 40");
}

Rule<Letter, Gets<Text(Name)>> to_somebody_else(const Name& name) {
  const auto& text = co_await get<Text>(Name{"Bob"});
  co_return Letter{"Dear " + name.name + ": " + text.text};
}

TEST_F(ParamsTest, TheInputOfAGetMasksAParamOfItsType) {
  set.add<&to_somebody_else>();
  set.add<&age_of>();
  set.add<&introduce>();
  set.query<Letter(Name)>();
  EXPECT_EQ(ask<Letter>(Name{"Ada"})->text, "Dear Ada: Bob is 3");
  EXPECT_EQ(ask<Letter>(Name{"Eve"})->text, "Dear Eve: Bob is 3");
  EXPECT_THAT(record.take(),
              ElementsAre("to_somebody_else(Name{name: \"Ada\"})", "introduce(Name{name: \"Bob\"})",
                          "age_of(Name{name: \"Bob\"})", "to_somebody_else(Name{name: \"Eve\"})"));
}

// --- options ---

struct LintOptions {
  static constexpr std::string_view kTypeName = "LintOptions";
  static constexpr std::string_view kScope = "lint";
  bool strict = false;
  std::vector<std::string> args;
  static void fields(auto& self, auto&& field) {
    field("strict", self.strict);
    field("args", self.args);
  }
  friend bool operator==(const LintOptions&, const LintOptions&) = default;
};

Rule<Age> parse(const Name& name) { co_return Age{static_cast<int>(name.name.size())}; }
Rule<Text> lint(const Name& name, const Age& parsed, const LintOptions& options) {
  co_return Text{name.name + std::to_string(parsed.years) + (options.strict ? " strictly" : "")};
}
Rule<Letter, Gets<Text(Name)>> lint_both() {
  const auto& [a, b] = co_await all(get<Text>(Name{"a"}), get<Text>(Name{"b"}));
  co_return Letter{a.text + ", " + b.text};
}

class OptionParamsTest : public RuntimeTest {
 protected:
  void SetUp() override {
    set.options<LintOptions>();
    set.add<&parse>();
    set.add<&lint>();
    set.add<&lint_both>();
    set.query<Letter()>();
    set.query<Age(Name)>();
  }
};

TEST_F(OptionParamsTest, TwoClientsShareAllThatDoesNotConsumeTheDifference) {
  give(LintOptions{});
  EXPECT_EQ(ask<Letter>()->text, "a1, b1");
  EXPECT_THAT(record.take(), UnorderedElementsAre(
                                 "lint_both", "lint(Name{name: \"a\"})", "lint(Name{name: \"b\"})",
                                 "parse(Name{name: \"a\"})", "parse(Name{name: \"b\"})"));
  give(LintOptions{.strict = true});
  EXPECT_EQ(ask<Letter>()->text, "a1 strictly, b1 strictly");
  EXPECT_THAT(record.take(), UnorderedElementsAre("lint_both", "lint(Name{name: \"a\"})",
                                                  "lint(Name{name: \"b\"})"));
}

TEST_F(OptionParamsTest, AlternatingBetweenOptionsRecomputesNothing) {
  for (const bool strict : {false, true}) {
    give(LintOptions{.strict = strict});
    (void)ask<Letter>();
  }
  record.take();
  for (int i = 0; i < 10; ++i) {
    give(LintOptions{.strict = i % 2 == 0});
    EXPECT_EQ(ask<Letter>()->text, i % 2 == 0 ? "a1 strictly, b1 strictly" : "a1, b1");
  }
  EXPECT_THAT(record.take(), IsEmpty());
}

TEST_F(OptionParamsTest, OptionsThatAreReadFromEqualSettingsAreTheSameParam) {
  const OptionScope scope = set.option_scopes().front();
  const std::vector<OptionSetting> long_way = {
      {"lint", "strict", "true"}, {"lint", "strict", "false"}, {"other", "strict", "true"}};
  give(*read_options(scope, long_way));
  (void)ask<Letter>();
  record.take();
  give(*read_options(scope, {}));
  EXPECT_EQ(ask<Letter>()->text, "a1, b1");
  EXPECT_THAT(record.take(), IsEmpty());
}

// --- what is of one run ---

struct Stamp {
  static constexpr std::string_view kTypeName = "Stamp";
  uint64_t run = 0;
  static void fields(auto& self, auto&& field) { field("run", self.run); }
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

Rule<Stamp> stamp(const CurrentRun& current) { co_return Stamp{current.id.value}; }
Rule<Text> sign(const Name& name, const Stamp& stamp) {
  co_return Text{name.name + " in run " + std::to_string(stamp.run)};
}
Rule<Letter, Gets<Text(Name), Age(Name)>> send(const Name& name) {
  const auto& [signature, age] = co_await all(get<Text>(name), get<Age>(name));
  co_return Letter{signature.text + ", " + std::to_string(age.years)};
}
// Does not consume the run that asks, but what is of another one.
Rule<Letter, Gets<Stamp(CurrentRun)>> quote() {
  const auto& stamp = co_await get<Stamp>(CurrentRun{RunId{7}});
  co_return Letter{"as of run " + std::to_string(stamp.run)};
}

class SessionParamsTest : public RuntimeTest {
 protected:
  void SetUp() override {
    set.root<CurrentRun>();
    set.add<&age_of>();
    set.add<&stamp>();
    set.add<&sign>();
    set.add<&send>();
    set.add<&quote>();
    set.query<Letter(Name)>();
    set.query<Letter()>();
  }
  UnderwayValue begin_in_run(uint64_t id) {
    run.value = id;
    give(CurrentRun{run});
    return begin<Letter>(Name{"Ada"});
  }
  std::string text_of(const UnderwayValue& letter) {
    executor.drain();
    return graph::value_as<Letter>(*letter->answer()).text;
  }
};

TEST_F(SessionParamsTest, WhatConsumesTheRunIsOfThatRunAndAllElseIsShared) {
  EXPECT_EQ(text_of(begin_in_run(1)), "Ada in run 1, 3");
  EXPECT_THAT(record.take(), SizeIs(4));
  EXPECT_EQ(text_of(begin_in_run(1)), "Ada in run 1, 3");
  EXPECT_THAT(record.take(), IsEmpty()) << "the same run";
  EXPECT_EQ(text_of(begin_in_run(2)), "Ada in run 2, 3");
  EXPECT_THAT(record.take(),
              UnorderedElementsAre("send(Name{name: \"Ada\"})", "sign(Name{name: \"Ada\"})",
                                   "stamp(CurrentRun{id: 2})"));
}

TEST_F(SessionParamsTest, TwoRunsAtOnceEachHaveTheirOwn) {
  const auto older = begin_in_run(1);
  const auto newer = begin_in_run(2);
  EXPECT_EQ(text_of(newer), "Ada in run 2, 3");
  EXPECT_EQ(text_of(older), "Ada in run 1, 3");
  record.take();
  EXPECT_EQ(text_of(begin_in_run(1)), "Ada in run 1, 3");
  EXPECT_THAT(record.take(), IsEmpty()) << "the newer one did not end the older one's";
}

TEST_F(SessionParamsTest, WhatReadsWhatIsOfARunHoldsForTheRunThatAsks) {
  give(CurrentRun{run});
  EXPECT_EQ(ask<Letter>()->text, "as of run 7");
  record.take();
  EXPECT_EQ(ask<Letter>()->text, "as of run 7");
  EXPECT_THAT(record.take(), IsEmpty());
  ++run.value;
  EXPECT_EQ(ask<Letter>()->text, "as of run 7");
  EXPECT_THAT(record.take(), ElementsAre("stamp(CurrentRun{id: 7})")) << "and it was as before";
}

TEST_F(SessionParamsTest, ALookAtWhatHasChangedIsOfTheSameRun) {
  const auto letter = begin_in_run(1);
  executor.drain();
  EXPECT_FALSE(changed(letter->root()));
  EXPECT_EQ(run.value, 2u) << "though the graph was asked on behalf of a newer one";
}

TEST_F(SessionParamsTest, TheNodesOfTenThousandRunsAreForgotten) {
  options.node_budget = 100;
  size_t shared_ran = 0;
  for (uint64_t id = 1; id <= 10'000; ++id) {
    ASSERT_EQ(text_of(begin_in_run(id)), "Ada in run " + std::to_string(id) + ", 3");
    ASSERT_LE(graph().stats().nodes, 1000u) << "in run " << id;
    for (const std::string& ran : record.take()) shared_ran += ran.starts_with("age_of") ? 1 : 0;
  }
  EXPECT_EQ(shared_ran, 1u) << "what every run asks for stays";
}

}  // namespace
}  // namespace kiln::rules
