// Rules that lead back to themselves: which circles are legal, and what they consume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/rules/compiled.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(Recursion, ALoopMayGoThroughAGetWithAnotherParam) {
  ToyRules rules;
  rules.rule("Closure", "closure", {"Address"}, {{"Dependencies", {"Target"}}});
  rules.rule("Dependencies", "dependencies", {"Target"}, {{"Closure", {"Address"}}});
  rules.query("Closure", {"Address"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("closure(Address) <- Address, dependencies(Target=)",
                                   "dependencies(Target) <- Target, closure(Address=)"));
}

TEST(Recursion, WhatOneSideOfALoopConsumesTravelsAllRound) {
  ToyRules rules;
  rules.root("Options");
  rules.rule("A", "a", {"X"}, {{"B", {"Y"}}});
  rules.rule("B", "b", {"Y"}, {{"C", {"Z"}}});
  rules.rule("C", "c", {"Z", "Options"}, {{"A", {"X"}}});
  rules.query("A", {"X"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("a(Options, X) <- X, b(Options, Y=)",
                                   "b(Options, Y) <- Y, c(Options, Z=)",
                                   "c(Options, Z) <- Z, Options, a(Options, X=)"));
}

TEST(Recursion, ALoopThatMayBeEnteredAnywhereIsOneLoop) {
  ToyRules rules;
  rules.rule("A", "a", {"X"}, {{"B", {"Y"}}});
  rules.rule("B", "b", {"Y"}, {{"A", {"X"}}});
  rules.query("A", {"X"});
  rules.query("B", {"Y"});
  rules.goal("both", {}, {{"A", {"X"}}, {"B", {"Y"}}});
  EXPECT_THAT(
      bindings_of(*compiled(rules)),
      UnorderedElementsAre("both() <- a(X=), b(Y=)", "a(X) <- X, b(Y=)", "b(Y) <- Y, a(X=)"));
}

TEST(Recursion, WhatALoopIsGivenAnewEachTimeItDoesNotHaveFromAbove) {
  // The inner application is given its own Depth; the outer one has nothing to hand down.
  ToyRules rules;
  rules.root("Depth");
  rules.rule("Tree", "tree", {"Path"}, {{"Level", {"Depth"}}});
  rules.rule("Level", "level", {"Depth"}, {{"Tree", {"Path"}}});
  rules.query("Tree", {"Path"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("tree(Path) <- Path, level(Depth=)",
                                   "level(Depth) <- Depth, tree(Path=)"));
}

TEST(Recursion, ARuleThatRecursesInTwoScopesHasAnEntryForEach) {
  ToyRules rules;
  rules.rule("Sum", "sum", {"N"}, {{"Sum", {"N"}}, {"Unit", {}}});
  rules.rule("Unit", "unit_of_options", {"Options"});
  rules.rule("Unit", "unit_of_locale", {"Locale"});
  rules.query("Sum", {"N", "Options"});
  rules.query("Sum", {"N", "Locale"});
  EXPECT_THAT(
      bindings_of(*compiled(rules)),
      UnorderedElementsAre("sum(N, Options) <- N, sum(N=, Options), unit_of_options(Options)",
                           "unit_of_options(Options) <- Options",
                           "sum(Locale, N) <- N, sum(Locale, N=), unit_of_locale(Locale)",
                           "unit_of_locale(Locale) <- Locale"));
}

TEST(Recursion, AParameterMayBeMadeByARuleThatAsksForItsTakerAgain) {
  // The circle has a get in it, so it may end; whether it does is known when it runs.
  ToyRules rules;
  rules.rule("Page", "page", {"Url", "Links"});
  rules.rule("Links", "links", {"Url"}, {{"Page", {"Url"}}});
  rules.query("Page", {"Url"});
  EXPECT_THAT(bindings_of(*compiled(rules)), UnorderedElementsAre("page(Url) <- Url, links(Url)",
                                                                  "links(Url) <- Url, page(Url=)"));
}

TEST(Recursion, ALoopInWhichNobodyConsumesAnInputIsNeverSatisfied) {
  ToyRules rules;
  rules.rule("A", "a", {"X"}, {{"B", {"Y"}}});
  rules.rule("B", "b", {}, {{"A", {"X"}}});
  rules.query("A", {"X"});
  EXPECT_EQ(to_text(rules.compile().errors),
            "toy.cc:1: a: get<B>(Y): no rule makes B of this\n"
            "  in scope: X, Y\n"
            "  b (toy.cc:2): asks get<A>(X): via a: asks get<B>(Y): no rule makes it of that\n"
            "  fix: register a rule that returns B and uses Y\n");
}

TEST(Recursion, ALoopOfParametersOfAnyLengthIsNeverSatisfied) {
  ToyRules rules;
  rules.rule("A", "a", {"B", "X"});
  rules.rule("B", "b", {"C"});
  rules.rule("C", "c", {"A"});
  rules.query("A", {"X"});
  EXPECT_THAT(errors_of(rules), ElementsAre("missing query A(X)"));
}

TEST(Recursion, ALoopOfParametersIsLeftWhereAnotherRuleAnswers) {
  ToyRules rules;
  rules.rule("Egg", "lay", {"Hen"});
  rules.rule("Egg", "create", {"Design"});
  rules.rule("Hen", "hatch", {"Egg"});
  rules.query("Hen", {"Design"});
  EXPECT_THAT(errors_of(rules), ElementsAre("ambiguous hatch: the parameter Egg"))
      << "an egg of the created hen's would do as well as the created egg";
}

TEST(Recursion, WhatIsBrokenInALoopIsToldOnceWhereverItIsEntered) {
  ToyRules rules;
  rules.rule("A", "a", {"X"}, {{"B", {"Y"}}});
  rules.rule("B", "b", {"Y", "Unmade"}, {{"A", {"X"}}});
  rules.query("A", {"X"});
  rules.query("B", {"Y"});
  rules.goal("g", {}, {{"A", {"X"}}});
  EXPECT_THAT(errors_of(rules), ElementsAre("unprovided b: the parameter Unmade"));
}

TEST(Recursion, WhatIsAmbiguousInALoopIsToldOnce) {
  ToyRules rules;
  rules.rule("A", "a", {"X"}, {{"B", {"Y"}}});
  rules.rule("B", "b", {"Y"}, {{"A", {"X"}}});
  rules.rule("B", "other_b", {"Y"}, {{"A", {"X"}}});
  rules.query("A", {"X"});
  EXPECT_THAT(errors_of(rules), ElementsAre("ambiguous a: get<B>(Y)"));
}

// --- unions in the loop ---

TEST(Recursion, AMemberOfAUnionMayAskForTheUnionAgain) {
  ToyRules rules;
  rules.union_base("Request");
  rules.member("Request", "Leaf");
  rules.member("Request", "Branch");
  rules.rule("Result", "leaf", {"Leaf", "Options"});
  rules.rule("Result", "branch", {"Branch"}, {{"Result", {"Request"}}});
  rules.root("Options");
  rules.goal("walk", {}, {{"Result", {"Request"}}});
  EXPECT_THAT(
      bindings_of(*compiled(rules)),
      UnorderedElementsAre("walk(Options) <- leaf(Leaf=, Options), branch(Branch=, Options)",
                           "leaf(Leaf, Options) <- Leaf, Options",
                           "branch(Branch, Options) <- Branch, leaf(Leaf=, Options), "
                           "branch(Branch=, Options)"));
}

TEST(Recursion, AUnionOfAUnionIsALoopOfTwoUnions) {
  ToyRules rules;
  rules.union_base("Expression");
  rules.union_base("Statement");
  rules.member("Expression", "Call");
  rules.member("Statement", "Block");
  rules.rule("Type", "call", {"Call"}, {{"Effect", {"Statement"}}});
  rules.rule("Effect", "block", {"Block"}, {{"Type", {"Expression"}}});
  rules.query("Type", {"Expression"});
  EXPECT_THAT(bindings_of(*compiled(rules)),
              UnorderedElementsAre("call(Call) <- Call, block(Block=)",
                                   "block(Block) <- Block, call(Call=)"));
}

TEST(Recursion, AMemberThatIsBrokenInALoopOfItsUnionIsToldOnce) {
  ToyRules rules;
  rules.union_base("Request");
  rules.member("Request", "Leaf");
  rules.member("Request", "Branch");
  rules.rule("Result", "branch", {"Branch"}, {{"Result", {"Request"}}});
  rules.goal("walk", {}, {{"Result", {"Request"}}});
  EXPECT_EQ(
      to_text(rules.compile().errors),
      "toy.cc:4: goal walk: get<Result>(Request) for the member Leaf: no rule makes Result of "
      "this\n"
      "  in scope: Leaf\n"
      "  branch (toy.cc:3): needs Branch, which is not in scope\n"
      "  also wanted by: branch (toy.cc:3)\n"
      "  fix: register a rule that returns Result and uses Leaf\n");
}

TEST(Recursion, NothingOfALoopThatIsNotReachedIsInTheGraph) {
  ToyRules rules;
  rules.rule("A", "a", {"X"}, {{"B", {"Y"}}});
  rules.rule("B", "b", {"Y"}, {{"A", {"X"}}});
  rules.query("X", {"X"});
  EXPECT_THAT(compiled(rules)->entries(), IsEmpty());
}

}  // namespace
}  // namespace kiln::rules
