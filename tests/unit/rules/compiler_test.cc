// Which rule graphs there are: what answers what, and which sets of rules are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/compiled.h"

namespace kiln::rules {
namespace {

using Kind = Diagnostic::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// --- what answers ---

TEST(RuleGraph, AParamInScopeIsTheAnswer) {
  ToyRules rules;
  rules.rule("Digest", "hash", {"Path"});
  rules.query("Digest", {"Path"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), ElementsAre("hash(Path)"));
  const Entry& hash = *graph->entries().front();
  ASSERT_THAT(hash.arguments, SizeIs(1));
  EXPECT_EQ(hash.arguments[0].entry, nullptr);
  EXPECT_THAT(hash.arguments[0].params, ElementsAre(Supply::From{false, 0}));
}

TEST(RuleGraph, AParamInScopeIsTheAnswerThoughARuleReturnsItsType) {
  ToyRules rules;
  rules.rule("Path", "default_path", {});
  rules.rule("Digest", "hash", {"Path"});
  rules.query("Digest", {"Path"});
  rules.query("Digest", {});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("hash(Path)", "hash()", "default_path()"));
}

TEST(RuleGraph, AQueryForOneOfItsInputsIsAnsweredByTheInput) {
  ToyRules rules;
  rules.query("Path", {"Path"});
  const auto graph = compiled(rules);
  ASSERT_THAT(graph->queries(), SizeIs(1));
  EXPECT_EQ(graph->queries()[0].supply.entry, nullptr);
  EXPECT_THAT(graph->queries()[0].supply.params, ElementsAre(Supply::From{true, 0}));
  EXPECT_THAT(graph->entries(), IsEmpty());
}

TEST(RuleGraph, AnArgumentIsWhatARuleMakesOfTheParamsInScope) {
  ToyRules rules;
  rules.rule("Digest", "hash", {"Content"});
  rules.rule("Content", "read", {"Path"});
  rules.query("Digest", {"Path"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("hash(Path)", "read(Path)"));
  const Entry& hash = *entry_of(*graph, "hash(Path)");
  EXPECT_EQ(hash.arguments[0].entry, entry_of(*graph, "read(Path)"));
  EXPECT_THAT(hash.arguments[0].params, ElementsAre(Supply::From{false, 0}));
}

TEST(RuleGraph, TheInputsOfAGetJoinTheScope) {
  ToyRules rules;
  rules.rule("Result", "lint", {"Request"}, {{"Snapshot", {"Globs"}}});
  rules.rule("Snapshot", "capture", {"Globs", "Options"});
  rules.query("Result", {"Request"});
  rules.root("Options");
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph),
              UnorderedElementsAre("lint(Options, Request)", "capture(Globs, Options)"));
  const Entry& lint = *entry_of(*graph, "lint(Options, Request)");
  const Supply* supply = lint.gets[0].find(rules.type("Globs"));
  ASSERT_NE(supply, nullptr);
  // Globs is the input, Options the asker's own first.
  EXPECT_THAT(supply->params, ElementsAre(Supply::From{true, 0}, Supply::From{false, 0}));
  // A query's scope is its own inputs, then the roots.
  EXPECT_THAT(graph->queries()[0].supply.params,
              ElementsAre(Supply::From{true, 1}, Supply::From{true, 0}));
}

TEST(RuleGraph, AnInputOfAGetTakesThePlaceOfAParamOfTheSameType) {
  ToyRules rules;
  rules.rule("Result", "outer", {"Depth"}, {{"Leaf", {"Depth"}}});
  rules.rule("Leaf", "leaf", {"Depth"});
  rules.query("Result", {"Depth"});
  const auto graph = compiled(rules);
  const Entry& outer = *entry_of(*graph, "outer(Depth)");
  EXPECT_THAT(outer.gets[0].find(rules.type("Depth"))->params, ElementsAre(Supply::From{true, 0}));
}

TEST(RuleGraph, AParamThatOnlyAnswersAGetThatGivesItIsNotTheAskersOwn) {
  ToyRules rules;
  rules.rule("Result", "outer", {}, {{"Leaf", {"Depth"}}});
  rules.rule("Leaf", "leaf", {"Depth"});
  rules.query("Result", {});
  rules.root("Depth");
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("outer()", "leaf(Depth)"));
}

TEST(RuleGraph, ParamsThatNothingBelowConsumesAreNotInTheEntry) {
  ToyRules rules;
  rules.rule("Version", "version", {});
  rules.rule("Result", "run", {"Process", "Version"});
  rules.query("Result", {"Process"});
  rules.root("Options");
  rules.root("Environment");
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("run(Process)", "version()"));
}

TEST(RuleGraph, ARuleHasAnEntryForEachSetOfParamsThatItsSubtreeConsumes) {
  ToyRules rules;
  rules.rule("Report", "report", {"Config"});
  rules.rule("Config", "configured", {"Path"});
  rules.query("Report", {"Path"});
  rules.query("Report", {"Config"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph),
              UnorderedElementsAre("report(Path)", "configured(Path)", "report(Config)"));
}

TEST(RuleGraph, ScopesThatDifferInWhatIsNotConsumedShareAnEntry) {
  ToyRules rules;
  rules.rule("A", "a", {"X"}, {{"Shared", {"In"}}});
  rules.rule("B", "b", {"Y"}, {{"Shared", {"In"}}});
  rules.rule("Shared", "shared", {"In"});
  rules.goal("both", {}, {{"A", {"X"}}, {"B", {"Y"}}});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("both()", "a(X)", "b(Y)", "shared(In)"));
}

TEST(RuleGraph, ARuleThatCannotBeUsedInAScopeIsNoCandidateThere) {
  ToyRules rules;
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.rule("Snapshot", "merge", {"Digests"});
  rules.rule("Count", "count", {"Snapshot"});
  rules.query("Count", {"Globs"});
  rules.query("Count", {"Digests"});
  const auto graph = compiled(rules);
  EXPECT_EQ(entry_of(*graph, "count(Globs)")->arguments[0].entry,
            entry_of(*graph, "capture(Globs)"));
  EXPECT_EQ(entry_of(*graph, "count(Digests)")->arguments[0].entry,
            entry_of(*graph, "merge(Digests)"));
}

TEST(RuleGraph, OnlyARuleThatConsumesTheInputsAnswersAGet) {
  ToyRules rules;
  rules.rule("Text", "constant", {});
  rules.rule("Text", "render", {"Page"});
  rules.query("Text", {"Page"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), ElementsAre("render(Page)"));
}

TEST(RuleGraph, ARuleConsumesAnInputBelowAsWellAsByItself) {
  ToyRules rules;
  rules.rule("Text", "constant", {});
  rules.rule("Text", "render", {}, {{"Layout", {"Size"}}});
  rules.rule("Layout", "lay_out", {"Size", "Page"});
  rules.query("Text", {"Page"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("render(Page)", "lay_out(Page, Size)"));
}

TEST(RuleGraph, EveryInputOfAGetIsConsumed) {
  ToyRules rules;
  rules.rule("Snapshot", "subset_one", {"Digest"});
  rules.rule("Snapshot", "subset_two", {"Digest", "Globs"});
  rules.query("Snapshot", {"Digest", "Globs"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), ElementsAre("subset_two(Digest, Globs)"));
}

TEST(RuleGraph, AGetWithOtherInputsIsNotAnsweredByAParamOfItsProduct) {
  ToyRules rules;
  rules.rule("Process", "wrap", {"Command"});
  rules.rule("Result", "run_twice", {"Process"}, {{"Process", {"Command"}}});
  rules.query("Result", {"Process"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("run_twice(Process)", "wrap(Command)"));
}

TEST(RuleGraph, InputsAreFoundByTypeInTheOrderOfTheirDeclaration) {
  ToyRules rules;
  rules.rule("Sum", "sum", {"A", "B"});
  rules.goal("one", {}, {{"Sum", {"A", "B"}}});
  rules.goal("two", {}, {{"Sum", {"B", "A"}}});
  const auto graph = compiled(rules);
  EXPECT_THAT(entry_of(*graph, "one()")->gets[0].cases[0].supply.params,
              ElementsAre(Supply::From{true, 0}, Supply::From{true, 1}));
  EXPECT_THAT(entry_of(*graph, "two()")->gets[0].cases[0].supply.params,
              ElementsAre(Supply::From{true, 1}, Supply::From{true, 0}));
}

TEST(RuleGraph, AGetWithoutInputsIsAnsweredFromTheScope) {
  ToyRules rules;
  rules.rule("Config", "config", {"Options"});
  rules.goal("show", {}, {{"Config", {}}, {"Options", {}}});
  rules.root("Options");
  const auto graph = compiled(rules);
  const Entry& show = *entry_of(*graph, "show(Options)");
  EXPECT_EQ(show.gets[0].find(nullptr)->entry, entry_of(*graph, "config(Options)"));
  EXPECT_EQ(show.gets[1].find(nullptr)->entry, nullptr);
  EXPECT_THAT(show.gets[1].find(nullptr)->params, ElementsAre(Supply::From{false, 0}));
}

// --- recursion ---

TEST(RuleGraph, ARuleMayAskForItself) {
  ToyRules rules;
  rules.rule("Fib", "fib", {"FibN"}, {{"Fib", {"FibN"}}});
  rules.query("Fib", {"FibN"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), ElementsAre("fib(FibN)"));
  const Entry& fib = *graph->entries().front();
  EXPECT_EQ(fib.gets[0].find(rules.type("FibN"))->entry, &fib);
}

TEST(RuleGraph, RulesMayAskForOneAnother) {
  ToyRules rules;
  rules.rule("Even", "even", {"N"}, {{"Odd", {"N"}}});
  rules.rule("Odd", "odd", {"N"}, {{"Even", {"N"}}});
  rules.query("Even", {"N"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), UnorderedElementsAre("even(N)", "odd(N)"));
}

TEST(RuleGraph, RecursionCarriesParamsFromAboveToWhereTheyAreConsumed) {
  ToyRules rules;
  rules.rule("Closure", "closure", {"Address"}, {{"Closure", {"Address"}}, {"Target", {"Key"}}});
  rules.rule("Target", "parse", {"Key", "Options"});
  rules.query("Closure", {"Address"});
  rules.root("Options");
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph),
              UnorderedElementsAre("closure(Address, Options)", "parse(Key, Options)"));
  const Entry& closure = *entry_of(*graph, "closure(Address, Options)");
  EXPECT_THAT(closure.gets[0].find(nullptr)->params,
              ElementsAre(Supply::From{true, 0}, Supply::From{false, 1}));
}

TEST(RuleGraph, AnArgumentThatNeedsItsOwnRuleIsNoAnswer) {
  ToyRules rules;
  rules.rule("Egg", "lay", {"Hen"});
  rules.rule("Hen", "hatch", {"Egg"});
  rules.query("Egg", {});
  EXPECT_THAT(errors_of(rules), ElementsAre("missing query Egg()"));
}

TEST(RuleGraph, AWayOutOfACircleOfArgumentsIsTaken) {
  ToyRules rules;
  rules.rule("Egg", "lay", {"Hen"});
  rules.rule("Hen", "hatch", {"Egg"});
  rules.query("Egg", {"Hen"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entries_of(*graph), ElementsAre("lay(Hen)"));
}

TEST(RuleGraph, TwoGetsDoNotVouchForEachOther) {
  // Each consumes the other's input only if the other already does.
  ToyRules rules;
  rules.rule("Y", "y", {"B"}, {{"W", {"B"}}});
  rules.rule("W", "w", {"A"}, {{"Y", {"A"}}});
  rules.query("W", {"A"});
  rules.query("Y", {"B"});
  EXPECT_THAT(errors_of(rules), SizeIs(testing::Ge(1)));
}

// --- unions ---

TEST(RuleGraph, AGetOfAUnionsBaseHasACaseForEachMember) {
  ToyRules rules;
  rules.union_base("LintRequest");
  rules.member("LintRequest", "Shell");
  rules.member("LintRequest", "Python");
  rules.rule("Findings", "shellcheck", {"Shell"});
  rules.rule("Findings", "flake8", {"Python"});
  rules.goal("lint", {}, {{"Findings", {"LintRequest"}}});
  const auto graph = compiled(rules);
  const Entry& lint = *entry_of(*graph, "lint()");
  EXPECT_EQ(lint.gets[0].find(rules.type("Shell"))->entry, entry_of(*graph, "shellcheck(Shell)"));
  EXPECT_EQ(lint.gets[0].find(rules.type("Python"))->entry, entry_of(*graph, "flake8(Python)"));
  EXPECT_EQ(lint.gets[0].find(rules.type("Findings")), nullptr);
}

TEST(RuleGraph, ARecursiveUnionHasOneEntryForEachMember) {
  // In naive terms every subset of the members is a scope of its own.
  ToyRules rules;
  rules.union_base("Request");
  for (int i = 0; i < 40; ++i) {
    const std::string member = "Request" + std::to_string(i);
    rules.member("Request", member);
    rules.rule("Classpath", "compile" + std::to_string(i), {member}, {{"Classpath", {"Request"}}});
  }
  rules.goal("check", {}, {{"Classpath", {"Request"}}});
  const auto graph = compiled(rules);
  EXPECT_THAT(graph->entries(), SizeIs(41));
}

TEST(RuleGraph, AUnionMayHaveNoMembers) {
  ToyRules rules;
  rules.union_base("LintRequest");
  rules.rule("Summary", "summarize", {}, {{"Findings", {"LintRequest"}}});
  rules.goal("lint", {"Summary"}, {{"Findings", {"LintRequest"}}});
  rules.query("Findings", {"LintRequest"});
  const auto graph = compiled(rules);
  EXPECT_THAT(entry_of(*graph, "lint()")->gets[0].cases, IsEmpty());
  EXPECT_THAT(graph->queries(), IsEmpty());
}

TEST(RuleGraph, AQueryOfAUnionsBaseIsOneForEachMember) {
  ToyRules rules;
  rules.union_base("LintRequest");
  rules.member("LintRequest", "Shell");
  rules.member("LintRequest", "Python");
  rules.rule("Findings", "shellcheck", {"Shell"});
  rules.rule("Findings", "flake8", {"Python"});
  rules.rule("Findings", "flake8_strictly", {"Python", "Strictness"});
  rules.query("Findings", {"LintRequest"});
  rules.query("Findings", {"Shell"});  // in so many words, too
  rules.query("Findings", {"Strictness", "LintRequest"});
  EXPECT_THAT(errors_of(rules), ElementsAre("missing query Findings(Strictness, Shell)"));
  rules.rule("Findings", "shellcheck_strictly", {"Shell", "Strictness"});
  const auto graph = compiled(rules);
  std::vector<std::string> names;
  for (const Root& query : graph->queries()) names.push_back(query.name);
  EXPECT_THAT(names,
              UnorderedElementsAre("Findings(Shell)", "Findings(Python)",
                                   "Findings(Strictness, Shell)", "Findings(Strictness, Python)"));
}

TEST(RuleGraph, AMemberThatNoRuleIsForIsMissing) {
  ToyRules rules;
  rules.union_base("LintRequest");
  rules.member("LintRequest", "Shell");
  rules.member("LintRequest", "Python");
  rules.rule("Findings", "shellcheck", {"Shell"});
  rules.goal("lint", {}, {{"Findings", {"LintRequest"}}});
  EXPECT_THAT(errors_of(rules),
              ElementsAre("missing goal lint: get<Findings>(LintRequest) for the member Python"));
}

// --- goals ---

TEST(RuleGraph, AGoalBeginsWithTheRootsAndHasItsSideEffects) {
  ToyRules rules;
  rules.side_effect("Console");
  rules.root("Specs");
  rules.root("Options");
  rules.rule("Addresses", "resolve", {"Specs"});
  rules.goal("list", {"Console", "Addresses"});
  const auto graph = compiled(rules);
  const Root* list = graph->find_goal("list");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(graph->find_goal("lint"), nullptr);
  EXPECT_EQ(list->scope, (std::vector<TypeId>{rules.type("Specs"), rules.type("Options")}));
  EXPECT_EQ(text_of(*list->supply.entry), "list(Specs)");
  EXPECT_THAT(list->supply.params, ElementsAre(Supply::From{true, 0}));
  EXPECT_THAT(list->supply.entry->arguments[0].params, IsEmpty());
  EXPECT_EQ(list->supply.entry->arguments[1].entry, entry_of(*graph, "resolve(Specs)"));
}

TEST(RuleGraph, ARuleThatIsNoGoalHasNoSideEffects) {
  ToyRules rules;
  rules.side_effect("Console");
  rules.rule("Text", "print", {"Console"});
  rules.goal("show", {"Console"}, {{"Text", {}}});
  EXPECT_THAT(errors_of(rules), ElementsAre("unprovided print: the parameter Console"));
}

TEST(RuleGraph, QueriesAreFoundByTheNamesOfTypesInAnyOrder) {
  ToyRules rules;
  rules.rule("Snapshot", "subset", {"Digest", "Globs"});
  rules.query("Snapshot", {"Globs", "Digest"});
  const auto graph = compiled(rules);
  const std::vector<std::string> inputs{"Digest", "Globs"};
  const Root* root = graph->find_query("Snapshot", inputs);
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root->name, "Snapshot(Globs, Digest)");
  EXPECT_EQ(graph->find_query("Snapshot", std::vector<std::string>{"Digest"}), nullptr);
  EXPECT_EQ(graph->find_query("Digest", inputs), nullptr);
}

// --- what is refused ---

TEST(RuleGraph, TwoRulesThatMakeTheSameOfTheSameAreAmbiguous) {
  ToyRules rules;
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.rule("Snapshot", "glob", {"Globs"});
  rules.query("Snapshot", {"Globs"});
  EXPECT_THAT(errors_of(rules), ElementsAre("ambiguous query Snapshot(Globs)"));
}

TEST(RuleGraph, TwoRulesForDifferentParamsAreAmbiguousWhereBothAreInScope) {
  ToyRules rules;
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.rule("Snapshot", "merge", {"Digests"});
  rules.rule("Count", "count", {"Snapshot", "Globs", "Digests"});
  rules.query("Count", {"Globs", "Digests"});
  EXPECT_THAT(errors_of(rules), ElementsAre("ambiguous count: the parameter Snapshot"));
}

TEST(RuleGraph, AnAmbiguityIsToldOnceForAllThatMeetIt) {
  ToyRules rules;
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.rule("Snapshot", "glob", {"Globs"});
  for (const char* name : {"a", "b", "c"}) rules.goal(name, {}, {{"Snapshot", {"Globs"}}});
  const auto errors = rules.compile().errors;
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0].also_wanted_by, ElementsAre("goal b (toy.cc:4)", "goal c (toy.cc:5)"));
}

TEST(RuleGraph, AnAmbiguityBelowARuleThatIsNotUsedIsNoError) {
  ToyRules rules;
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.rule("Snapshot", "glob", {"Globs"});
  rules.rule("Count", "count", {"Globs", "Snapshot"});
  rules.query("Version", {"Globs"});
  rules.rule("Version", "version", {"Globs"});
  compiled(rules);
}

TEST(RuleGraph, ATypeThatNothingMakesIsToldOfTheRuleThatWantsIt) {
  ToyRules rules;
  rules.rule("A", "a", {"B"});
  rules.rule("B", "b", {"Nothing"});
  rules.rule("C", "c", {"A", "B"});
  rules.query("A", {});
  rules.query("C", {});
  rules.goal("g", {}, {{"C", {}}});
  EXPECT_THAT(errors_of(rules), ElementsAre("unprovided b: the parameter Nothing"));
}

TEST(RuleGraph, AParamThatIsGivenElsewhereIsMissedByTheNearestGet) {
  ToyRules rules;
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.rule("Count", "count", {"Snapshot"});
  rules.rule("Report", "report", {"Spec"}, {{"Count", {"Spec"}}});
  rules.rule("Spec", "spec", {});
  rules.query("Count", {"Globs"});
  rules.goal("stats", {}, {{"Report", {"Spec"}}});
  EXPECT_THAT(errors_of(rules), ElementsAre("missing report: get<Count>(Spec)"));
}

TEST(RuleGraph, AParamThatAGoalLacksIsMissedByTheGoal) {
  ToyRules rules;
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.query("Snapshot", {"Globs"});
  rules.goal("list", {"Snapshot"});
  EXPECT_THAT(errors_of(rules), ElementsAre("missing goal list: the parameter Snapshot"));
}

TEST(RuleGraph, AnInputThatNothingUsesIsAnError) {
  ToyRules rules;
  rules.rule("Version", "version", {});
  rules.goal("show", {}, {{"Version", {"Digest"}}});
  const auto errors = rules.compile().errors;
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].kind, Kind::kMissing);
  ASSERT_THAT(errors[0].candidates, SizeIs(1));
  EXPECT_EQ(errors[0].candidates[0].verdict, "does not use the input Digest");
  EXPECT_EQ(errors[0].fix, "get<Version>()");
}

TEST(RuleGraph, AllErrorsAreToldAtOnceAndNoneOfTheirConsequences) {
  ToyRules rules;
  rules.rule("A", "a", {}, {{"B", {"X"}}});
  rules.rule("B", "b", {"X", "Unmade"});     // 1: nothing makes it
  rules.rule("C", "c", {}, {{"D", {"Y"}}});  // 2: d does not use Y
  rules.rule("D", "d", {});
  rules.rule("E", "e1", {"X"});  // 3: two of them
  rules.rule("E", "e2", {"X"});
  rules.goal("g", {"A", "C"}, {{"E", {"X"}}});
  rules.goal("h", {"A"}, {{"C", {}}});
  rules.query("A", {});
  EXPECT_THAT(errors_of(rules),
              UnorderedElementsAre("unprovided b: the parameter Unmade", "missing c: get<D>(Y)",
                                   "ambiguous goal g: get<E>(X)"));
}

TEST(RuleGraph, ARecursiveRuleThatIsBrokenIsToldOnceOfWhatBreaksIt) {
  ToyRules rules;
  rules.rule("Fib", "fib", {"FibN", "Unmade"}, {{"Fib", {"FibN"}}});
  rules.query("Fib", {"FibN"});
  EXPECT_THAT(errors_of(rules), ElementsAre("unprovided fib: the parameter Unmade"));
}

TEST(RuleGraph, ARuleThatLacksSomethingFallsOutWhereAnotherAnswers) {
  ToyRules rules;
  rules.rule("Snapshot", "fancy", {"Globs", "Unmade"});
  rules.rule("Snapshot", "capture", {"Globs"});
  rules.query("Snapshot", {"Globs"});
  const RuleGraph::Compiled compiled = rules.compile();
  ASSERT_NE(compiled.graph, nullptr);
  EXPECT_THAT(entries_of(*compiled.graph), ElementsAre("capture(Globs)"));
  ASSERT_THAT(compiled.warnings, SizeIs(1));
  EXPECT_EQ(compiled.warnings[0].wanted_by, "fancy");
  ASSERT_THAT(compiled.warnings[0].candidates, SizeIs(1));
  EXPECT_EQ(compiled.warnings[0].candidates[0].verdict, "needs Unmade, which no rule returns");
}

TEST(RuleGraph, RulesThatNothingReachesAreWarnedOfButForIntrinsics) {
  ToyRules rules;
  rules.rule("A", "used", {});
  rules.rule("B", "idle", {"C"});
  rules.rule("C", "below_idle", {});
  rules.intrinsic("D", "built_in", {"A"});
  rules.query("A", {});
  const RuleGraph::Compiled compiled = rules.compile();
  ASSERT_NE(compiled.graph, nullptr);
  std::vector<std::string> names;
  for (const Diagnostic& warning : compiled.warnings) {
    EXPECT_EQ(warning.kind, Kind::kUnused);
    names.push_back(warning.wanted_by);
  }
  EXPECT_THAT(names, ElementsAre("idle", "below_idle"));
}

TEST(RuleGraph, NothingAtAllIsAGraphOfNothing) {
  const auto graph = compiled(ToyRules());
  EXPECT_THAT(graph->entries(), IsEmpty());
}

// --- what is declared twice ---

TEST(RuleGraph, ASetThatIsAddedTwiceIsThereOnce) {
  ToyRules rules;
  rules.union_base("Base");
  rules.member("Base", "Member");
  rules.rule("A", "a", {"Member"});
  rules.query("A", {"Member"});
  rules.goal("g", {}, {{"A", {"Base"}}});
  RuleSet twice = rules.set;
  twice.add_all(rules.set);
  const RuleGraph::Compiled compiled = RuleGraph::compile(std::move(twice));
  ASSERT_NE(compiled.graph, nullptr) << to_text(compiled.errors);
  EXPECT_THAT(compiled.graph->entries(), SizeIs(2));
  EXPECT_THAT(compiled.graph->queries(), SizeIs(1));
}

TEST(RuleGraph, WhatIsDeclaredTwiceIsAnErrorWithoutConsequences) {
  ToyRules rules;
  rules.union_base("Base");
  rules.rule("A", "a", {"M"});
  rules.rule("A", "a", {"M"});
  rules.goal("g", {}, {{"A", {"M"}}});
  rules.goal("g", {});
  rules.query("A", {"M"});
  rules.query("A", {"M"});
  rules.member("Base", "M");
  rules.member("Base", "M");
  EXPECT_THAT(
      errors_of(rules),
      UnorderedElementsAre("duplicate a: the name is taken", "duplicate goal g: the name is taken",
                           "duplicate query A(M): it was declared before",
                           "duplicate member M of Base: it was registered before"));
}

TEST(RuleGraph, RulesThatShareOnlyANameAreMissedByNobody) {
  ToyRules rules;
  rules.rule("A", "make", {"X"});
  rules.rule("B", "make", {"X"});  // 1: the name is taken, but there is a B
  rules.rule("C", "c", {"B"});
  rules.rule("D", "d", {"Unmade"});
  rules.goal("g", {}, {{"A", {"X"}}});
  rules.goal("g", {}, {{"C", {"X"}}, {"D", {}}});  // 2: and d is asked for, 3
  rules.query("B", {"X"});
  EXPECT_THAT(errors_of(rules), UnorderedElementsAre("duplicate make: the name is taken",
                                                     "duplicate goal g: the name is taken",
                                                     "unprovided d: the parameter Unmade"));
  EXPECT_THAT(rules.compile().warnings, IsEmpty());
}

TEST(RuleGraph, TwoTypesOfOneNameAreAnError) {
  ToyRules rules;
  ToyRules others;
  rules.rule("A", "a", {});
  rules.query("A", {});
  others.rule("A", "another", {});
  rules.set.add_all(others.set);
  EXPECT_THAT(errors_of(rules), ElementsAre("duplicate another: another type is named A"));
}

TEST(RuleGraph, AGetThatGivesATypeTwiceIsAnError) {
  ToyRules rules;
  rules.rule("Sum", "sum", {"N"});
  rules.goal("add", {}, {{"Sum", {"N", "N"}}});
  EXPECT_THAT(errors_of(rules), ElementsAre("duplicate goal add: get<Sum>(N, N) gives N twice"));
}

// --- with real rules ---

struct Number {
  static constexpr std::string_view kTypeName = "Number";
  int n = 0;
  static void fields(auto& self, auto&& field) { field("n", self.n); }
  friend bool operator==(const Number&, const Number&) = default;
};
struct Fibonacci {
  static constexpr std::string_view kTypeName = "Fibonacci";
  int64_t value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  friend bool operator==(const Fibonacci&, const Fibonacci&) = default;
};

Rule<Fibonacci, Gets<Fibonacci(Number)>> fib(const Number& number) {
  if (number.n < 2) co_return Fibonacci{number.n};
  const auto [a, b] =
      co_await all(get<Fibonacci>(Number{number.n - 1}), get<Fibonacci>(Number{number.n - 2}));
  co_return Fibonacci{a.value + b.value};
}

TEST(RuleGraph, WhatACoroutineDeclaresIsWhatIsCompiled) {
  RuleSet rules;
  rules.add<&fib>();
  rules.query<Fibonacci(Number)>();
  const RuleGraph::Compiled compiled = RuleGraph::compile(std::move(rules));
  ASSERT_NE(compiled.graph, nullptr) << to_text(compiled.errors);
  ASSERT_THAT(compiled.graph->entries(), SizeIs(1));
  const Entry& entry = *compiled.graph->entries().front();
  EXPECT_EQ(entry.name(), "kiln::rules::fib");
  EXPECT_EQ(entry.params, std::vector<TypeId>{type_of<Number>()});
  EXPECT_EQ(entry.gets[0].find(type_of<Number>())->entry, &entry);
}

}  // namespace
}  // namespace kiln::rules
