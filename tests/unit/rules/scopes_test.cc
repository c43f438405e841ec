// Params in scope: how they decide between rules, how a get replaces them, and what is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/rules/compiled.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

// --- several ways ---

TEST(Scopes, TheInputsOfAGetDecideBetweenRules) {
  ToyRules rules;
  rules.rule("Text", "of_page", {"Page"});
  rules.rule("Text", "of_book", {"Book"});
  rules.rule("Index", "index", {"Book"}, {{"Text", {"Page"}}});
  rules.query("Index", {"Book"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("index(Book) <- Book, of_page(Page=)", "of_page(Page) <- Page"));
}

TEST(Scopes, AParameterThatTwoParamsInScopeLeadToIsAmbiguous) {
  ToyRules rules;
  rules.rule("Text", "of_page", {"Page"});
  rules.rule("Text", "of_book", {"Book"});
  rules.rule("Index", "index", {"Book", "Text"}, {});
  rules.rule("Report", "report", {}, {{"Index", {"Book"}}});
  rules.query("Report", {});
  compiled(rules);  // without a Page there is one way
  rules.root("Page");
  EXPECT_EQ(to_text(rules.compile().errors),
            "toy.cc:3: index: the parameter Text: 2 rules make Text of what is in scope\n"
            "  in scope: Book, Page\n"
            "  of_page (toy.cc:1): from Page\n"
            "  of_book (toy.cc:2): from Book\n"
            "  fix: remove one of of_page and of_book, or let one of them return a type of its "
            "own\n");
}

TEST(Scopes, OfTwoRulesTheOneThatConsumesMoreIsNotPreferred) {
  ToyRules rules;
  rules.rule("Text", "plain", {"Page"});
  rules.rule("Text", "styled", {"Page", "Style"});
  rules.rule("Book", "bind", {"Page", "Style", "Text"});
  rules.query("Book", {"Page", "Style"});
  EXPECT_THAT(errors_of(rules), ElementsAre("ambiguous bind: the parameter Text"));
}

TEST(Scopes, OneRuleThatIsReachedOnTwoPathsWithOtherParamsHasTwoEntries) {
  ToyRules rules;
  rules.root("Options");
  rules.rule("Text", "render", {"Source"});
  rules.rule("Source", "read", {"Path"});
  rules.rule("Left", "left", {}, {{"Text", {"Source"}}});
  rules.rule("Right", "right", {}, {{"Text", {"Path"}}});
  rules.goal("both", {"Left", "Right"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("both() <- left(), right()", "left() <- render(Source=)",
                                   "right() <- render(Path=)", "render(Source) <- Source",
                                   "render(Path) <- read(Path)", "read(Path) <- Path"));
}

TEST(Scopes, OneRuleThatIsReachedOnTwoPathsWithTheSameParamsHasOneEntry) {
  ToyRules rules;
  rules.rule("Text", "render", {"Path"});
  rules.rule("Left", "left", {"Text", "Path"});
  rules.rule("Right", "right", {"Path"}, {{"Text", {"Path"}}});
  rules.query("Left", {"Path"});
  rules.query("Right", {"Path"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("left(Path) <- render(Path), Path",
                                   "right(Path) <- Path, render(Path=)", "render(Path) <- Path"));
}

TEST(Scopes, AnAmbiguityDeepBelowIsToldWhereTheWaysPartOnce) {
  ToyRules rules;
  rules.rule("Text", "render", {"Path"});
  rules.rule("Text", "print", {"Path"});
  rules.rule("Page", "page", {"Text"});
  rules.rule("Book", "book", {"Page"});
  rules.query("Book", {"Path"});
  rules.query("Page", {"Path"});
  EXPECT_THAT(errors_of(rules), ElementsAre("ambiguous page: the parameter Text"));
}

// --- what replaces what ---

TEST(Scopes, AnInputReplacesAParamForAllThatIsBelowTheGet) {
  ToyRules rules;
  rules.root("Platform");
  rules.rule("Flags", "flags", {"Platform"});
  rules.rule("Object", "compile", {"Source", "Flags"});
  rules.rule("Binary", "link", {"Source", "Flags"}, {{"Object", {"Source", "Platform"}}});
  rules.query("Binary", {"Source"});
  EXPECT_THAT(
      bindings_of(*compiled(rules)),
      UnorderedElementsAre(
          "link(Platform, Source) <- Source, flags(Platform), compile(Platform=, Source=)",
          "compile(Platform, Source) <- Source, flags(Platform)", "flags(Platform) <- Platform"));
}

TEST(Scopes, WhatEveryWayBelowReplacesIsNotConsumedAbove) {
  ToyRules rules;
  rules.root("Platform");
  rules.rule("Flags", "flags", {"Platform"});
  rules.rule("Bundle", "bundle", {"App"}, {{"Flags", {"Platform"}}});
  rules.query("Bundle", {"App"});
  EXPECT_THAT(
      bindings_of(*compiled(rules)),
      UnorderedElementsAre("bundle(App) <- App, flags(Platform=)", "flags(Platform) <- Platform"))
      << "the root's Platform parts no nodes";
}

TEST(Scopes, AReplacedParamIsStillTheAskersOwn) {
  ToyRules rules;
  rules.root("Platform");
  rules.rule("Flags", "flags", {"Platform"});
  rules.rule("Bundle", "bundle", {"Platform"}, {{"Flags", {"Platform"}}, {"Flags", {}}});
  rules.query("Bundle", {});
  EXPECT_THAT(
      bindings_of(*compiled(rules)),
      UnorderedElementsAre("bundle(Platform) <- Platform, flags(Platform=), flags(Platform)",
                           "flags(Platform) <- Platform"));
}

TEST(Scopes, AParamThatIsInScopeFarAboveReachesThroughRulesThatDoNotNameIt) {
  ToyRules rules;
  rules.rule("A", "a", {"X"}, {{"B", {"Y"}}});
  rules.rule("B", "b", {"Y"}, {{"C", {"Z"}}});
  rules.rule("C", "c", {"Z", "X"});
  rules.query("A", {"X"});
  EXPECT_THAT(
      bindings_of(*compiled(rules)),
      UnorderedElementsAre("a(X) <- X, b(X, Y=)", "b(X, Y) <- Y, c(X, Z=)", "c(X, Z) <- Z, X"));
}

TEST(Scopes, WhatARuleMakesIsInNobodysScope) {
  // Only params flow down; Flags is made for `link` and not handed on to whoever it asks.
  ToyRules rules;
  rules.rule("Flags", "flags", {"Platform"});
  rules.rule("Binary", "link", {"Flags"}, {{"Object", {"Source"}}});
  rules.rule("Object", "compile", {"Source"}, {{"Flags", {}}});
  rules.query("Binary", {"Platform"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("link(Platform) <- flags(Platform), compile(Platform, Source=)",
                                   "compile(Platform, Source) <- Source, flags(Platform)",
                                   "flags(Platform) <- Platform"));
}

// --- queries and roots ---

TEST(Scopes, AQuerysInputTakesThePlaceOfARootOfItsType) {
  ToyRules rules;
  rules.root("Options");
  rules.rule("Text", "render", {"Options"});
  rules.query("Text", {"Options"});
  const auto graph = compiled(rules);
  EXPECT_EQ(graph->queries()[0].scope, std::vector<TypeId>{rules.type("Options")});
}

TEST(Scopes, AQueryThatGivesTooLittleIsToldWhatIsMissing) {
  ToyRules rules;
  rules.rule("Snapshot", "subset", {"Digest", "Globs"});
  rules.query("Snapshot", {"Digest"});
  rules.query("Snapshot", {"Digest", "Globs"});
  EXPECT_EQ(to_text(rules.compile().errors),
            "toy.cc:2: query Snapshot(Digest): no rule makes Snapshot of this\n"
            "  in scope: Digest\n"
            "  subset (toy.cc:1): needs Globs, which is not in scope\n"
            "  fix: query Snapshot(Digest, Globs)\n");
}

TEST(Scopes, AGoalBelowWhichARootIsMissingIsToldSo) {
  ToyRules rules;
  rules.side_effect("Console");
  rules.rule("Addresses", "resolve", {"Specs"});
  rules.rule("Targets", "expand", {"Addresses"});
  rules.goal("list", {"Console", "Targets"});
  rules.query("Addresses", {"Specs"});
  EXPECT_EQ(to_text(rules.compile().errors),
            "toy.cc:3: goal list: the parameter Targets: no rule makes Targets of what is in "
            "scope\n"
            "  in scope: nothing\n"
            "  expand (toy.cc:2): needs Addresses: via resolve: needs Specs, which is not in "
            "scope\n"
            "  fix: get<Targets>(Specs) instead of the parameter\n");
  rules.root("Specs");
  compiled(rules);
}

// --- what is left out, and what the order of declarations does not matter to ---

TEST(Scopes, WhatNothingReachesIsNotInTheGraph) {
  ToyRules rules;
  rules.root("Options");
  rules.rule("Text", "render", {"Page"});
  rules.rule("Page", "scan", {"Paper"});            // a Page is always given
  rules.rule("Paper", "mill", {"Tree"});            // below scan only
  rules.rule("Style", "style", {"Options"});        // never asked for
  rules.intrinsic("Digest", "capture", {"Globs"});  // nor this
  rules.query("Text", {"Page"});
  const RuleGraph::Compiled compiled = rules.compile();
  ASSERT_NE(compiled.graph, nullptr) << to_text(compiled.errors);
  EXPECT_THAT(bindings_of(*compiled.graph), ElementsAre("render(Page) <- Page"));
  std::vector<std::string> idle;
  for (const Diagnostic& warning : compiled.warnings) idle.push_back(warning.wanted_by);
  EXPECT_THAT(idle, ElementsAre("scan", "mill", "style"));
}

// The same declarations, in an order that nobody chose.
RuleSet shuffled(const RuleSet& set, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto in_another_order = [&](auto things) {
    std::shuffle(things.begin(), things.end(), random);
    return things;
  };
  RuleSet other;
  for (const auto& rule : in_another_order(set.rules())) other.define(*rule);
  for (const auto& query : in_another_order(set.queries())) other.define(query);
  for (const auto& member : in_another_order(set.members())) other.define(member);
  for (const TypeId root : in_another_order(set.roots())) other.add_root(root);
  return other;
}

ToyRules a_bit_of_everything() {
  ToyRules rules;
  rules.root("Options");
  rules.root("Specs");
  rules.union_base("LintRequest");
  rules.intrinsic("Snapshot", "capture", {"Globs"});
  rules.intrinsic("Snapshot", "merge", {"Digests"});
  rules.rule("Findings", "shellcheck", {"Shell", "Options"}, {{"Snapshot", {"Globs"}}});
  rules.rule("Findings", "flake8", {"Python"}, {{"Snapshot", {"Digests"}}});
  rules.rule("Closure", "closure", {"Address"},
             {{"Closure", {"Address"}}, {"Snapshot", {"Globs"}}});
  rules.rule("Addresses", "resolve", {"Specs"}, {{"Closure", {"Address"}}});
  rules.member("LintRequest", "Shell");
  rules.member("LintRequest", "Python");
  rules.goal("lint", {"Addresses"}, {{"Findings", {"LintRequest"}}});
  rules.query("Snapshot", {"Globs"});
  rules.query("Closure", {"Address"});
  return rules;
}

TEST(Scopes, TheOrderOfDeclarationsDoesNotMatterToTheGraph) {
  const ToyRules rules = a_bit_of_everything();
  const auto expected = bindings_of(*compiled(rules));
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto other = RuleGraph::compile(shuffled(rules.set, seed));
    ASSERT_NE(other.graph, nullptr) << to_text(other.errors);
    ASSERT_EQ(bindings_of(*other.graph), expected) << "seed " << seed;
  }
}

TEST(Scopes, TheOrderOfDeclarationsDoesNotMatterToWhatIsSaidOfThem) {
  ToyRules rules = a_bit_of_everything();
  rules.rule("Findings", "shellcheck_again", {"Shell"}, {});   // ambiguous
  rules.rule("Report", "report", {"Unmade"});                  // unprovided
  rules.rule("Summary", "summary", {"Unmade", "Report"});      // the same
  rules.goal("stats", {"Report"}, {{"Snapshot", {"Specs"}}});  // missing
  rules.goal("sums", {"Summary"}, {{"Snapshot", {"Specs"}}});  // the same
  rules.rule("Idle", "idle", {"Options"});                     // unused
  const RuleGraph::Compiled expected = rules.compile();
  EXPECT_THAT(errors_of(rules),
              UnorderedElementsAre("ambiguous goal lint: get<Findings>(LintRequest) for the member "
                                   "Shell",
                                   "unprovided report: the parameter Unmade",
                                   "missing goal stats: get<Snapshot>(Specs)"));
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto other = RuleGraph::compile(shuffled(rules.set, seed));
    ASSERT_EQ(to_text(other.errors), to_text(expected.errors)) << "seed " << seed;
    ASSERT_EQ(to_text(other.warnings), to_text(expected.warnings)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kiln::rules
