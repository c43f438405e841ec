// What a person reads when a set of rules does not hold together.
#include "daemon/rules/compiler/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/rules/nearest.h"
#include "daemon/rules/values/real.h"
#include "tests/support/toy_rules.h"

namespace kiln::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a linter builds on, on the lines 1 to 7 of toy.cc.
ToyRules engine() {
  ToyRules rules;
  rules.root("Specs");
  rules.side_effect("Console");
  rules.union_base("LintRequest");
  rules.intrinsic("Snapshot", "capture", {"PathGlobs"});
  rules.intrinsic("Snapshot", "merge", {"MergeDigests"});
  rules.intrinsic("ProcessResult", "execute", {"Process"});
  rules.rule("Addresses", "resolve", {"Specs"});
  rules.query("Snapshot", {"PathGlobs"});
  rules.query("Snapshot", {"MergeDigests"});
  rules.query("Addresses", {});
  return rules;
}

std::string errors_of(const ToyRules& rules) { return to_text(rules.compile().errors); }

TEST(Diagnostic, AGetWithTheWrongInputIsToldTheRightOnes) {
  ToyRules rules = engine();
  rules.rule("LintResult", "run_shellcheck", {"Shellcheck"},
             {{"Snapshot", {"Digest"}}, {"ProcessResult", {"Process"}}});
  rules.member("LintRequest", "Shellcheck");
  rules.goal("lint", {"Console", "Addresses"}, {{"LintResult", {"LintRequest"}}});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:8: run_shellcheck: get<Snapshot>(Digest): no rule makes Snapshot of this\n"
            "  in scope: Digest, Shellcheck, Specs\n"
            "  capture (toy.cc:1): needs PathGlobs, which is not in scope\n"
            "  merge (toy.cc:2): needs MergeDigests, which is not in scope\n"
            "  fix: get<Snapshot>(PathGlobs) or get<Snapshot>(MergeDigests)\n");
}

TEST(Diagnostic, AParameterThatCouldBeAskedForIsToldSo) {
  ToyRules rules = engine();
  rules.rule("LintResult", "run_shellcheck", {"Shellcheck", "Snapshot"});
  rules.member("LintRequest", "Shellcheck");
  rules.goal("lint", {"Console", "Addresses"}, {{"LintResult", {"LintRequest"}}});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:10: goal lint: get<LintResult>(LintRequest) for the member Shellcheck: no rule "
            "makes LintResult of this\n"
            "  in scope: Shellcheck, Specs\n"
            "  run_shellcheck (toy.cc:8): needs Snapshot: via capture: needs PathGlobs, which is "
            "not in scope; or via merge: needs MergeDigests, which is not in scope\n"
            "  fix: in run_shellcheck, get<Snapshot>(PathGlobs) or get<Snapshot>(MergeDigests) "
            "instead of the parameter Snapshot\n");
}

TEST(Diagnostic, AGoalIsToldToAskInsteadOfTaking) {
  ToyRules rules = engine();
  rules.goal("tree", {"Console", "Snapshot"});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:8: goal tree: the parameter Snapshot: no rule makes Snapshot of what is in "
            "scope\n"
            "  in scope: Specs\n"
            "  capture (toy.cc:1): needs PathGlobs, which is not in scope\n"
            "  merge (toy.cc:2): needs MergeDigests, which is not in scope\n"
            "  fix: get<Snapshot>(PathGlobs) or get<Snapshot>(MergeDigests) instead of the "
            "parameter\n");
}

TEST(Diagnostic, AMisspeltTypeIsToldOnceWithTheNearestName) {
  ToyRules rules = engine();
  rules.goal("list", {"Console", "Adresses"});
  rules.goal("count", {"Adresses"});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:8: goal list: the parameter Adresses: no rule returns Adresses, and nothing "
            "gives it\n"
            "  also wanted by: goal count (toy.cc:9)\n"
            "  fix: did you mean Addresses? Otherwise register a rule that returns Adresses, or "
            "give it as an input of the get or as a root\n");
}

TEST(Diagnostic, TwoRulesForOneThingAreNamedBoth) {
  ToyRules rules = engine();
  rules.rule("Addresses", "resolve_again", {"Specs"});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:7: query Addresses(): 2 rules make Addresses of this\n"
            "  in scope: Specs\n"
            "  resolve (toy.cc:4): from Specs\n"
            "  resolve_again (toy.cc:8): from Specs\n"
            "  fix: remove one of resolve and resolve_again, or let one of them return a type of "
            "its own\n");
}

TEST(Diagnostic, AQueryThatGivesTooMuchIsToldWhatWouldDo) {
  ToyRules rules = engine();
  rules.query("Snapshot", {"PathGlobs", "Process"});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:8: query Snapshot(PathGlobs, Process): no rule makes Snapshot of this\n"
            "  in scope: PathGlobs, Process, Specs\n"
            "  capture (toy.cc:1): does not use the input Process\n"
            "  merge (toy.cc:2): needs MergeDigests, which is not in scope\n"
            "  fix: query Snapshot(PathGlobs) or query Snapshot(MergeDigests)\n");
}

TEST(Diagnostic, ACircleOfParametersIsFollowedRound) {
  ToyRules rules = engine();
  rules.rule("Egg", "lay", {"Hen"});
  rules.rule("Hen", "hatch", {"Egg"});
  rules.query("Egg", {});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:10: query Egg(): no rule makes Egg of this\n"
            "  in scope: Specs\n"
            "  lay (toy.cc:8): needs Hen: via hatch: needs Egg: via lay, which needs it in turn\n"
            "  fix: register a rule that returns Egg\n");
}

TEST(Diagnostic, ATakenNameIsToldWithWhoTookItAndHasNoConsequences) {
  ToyRules rules = engine();
  rules.goal("lint", {}, {{"LintResult", {"LintRequest"}}});
  rules.goal("lint", {});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:9: goal lint: the name is taken\n"
            "  goal lint (toy.cc:8): came first\n"
            "  fix: register it once, or give it another name\n");
}

TEST(Diagnostic, AnUnusedRuleIsAWarning) {
  ToyRules rules = engine();
  rules.rule("Version", "version", {});
  EXPECT_EQ(to_text(rules.compile().warnings),
            "toy.cc:8: warning: version: no goal and no query reaches this rule\n"
            "  fix: ask for Version by a get or a query, or remove the rule\n");
}

TEST(Diagnostic, APersonReadsTheFirstOfManyCandidatesAndAMachineAll) {
  ToyRules rules = engine();
  for (int i = 0; i < 20; ++i) {
    rules.rule("Report", "report" + std::to_string(i), {"Option" + std::to_string(i)});
  }
  for (int i = 0; i < 20; ++i) rules.query("Report", {"Option" + std::to_string(i)});
  rules.query("Report", {});
  const auto errors = rules.compile().errors;
  ASSERT_EQ(errors.size(), 1u) << to_text(errors);
  EXPECT_EQ(errors[0].candidates.size(), 20u);
  EXPECT_NE(to_text(errors).find("  … and 12 more rules\n"), std::string::npos);
  const auto json = nlohmann::json::parse(to_json(errors));
  EXPECT_EQ(json["diagnostics"][0]["candidates"].size(), 20u);
}

TEST(Diagnostic, AsJsonItSaysTheSame) {
  ToyRules rules = engine();
  rules.goal("show", {}, {{"Snapshot", {"Specs"}}});
  const auto errors = nlohmann::json::parse(to_json(rules.compile().errors))["diagnostics"];
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0]["kind"], "missing");
  EXPECT_EQ(errors[0]["wanted_by"], "goal show");
  EXPECT_EQ(errors[0]["file"], "toy.cc");
  EXPECT_EQ(errors[0]["line"], 8);
  EXPECT_EQ(errors[0]["want"], "get<Snapshot>(Specs)");
  EXPECT_EQ(errors[0]["product"], "Snapshot");
  EXPECT_EQ(errors[0]["scope"], nlohmann::json({"Specs"}));
  EXPECT_EQ(errors[0]["candidates"][0]["rule"], "capture");
  EXPECT_EQ(errors[0]["candidates"][0]["line"], 1);
  EXPECT_EQ(errors[0]["candidates"][0]["verdict"], "needs PathGlobs, which is not in scope");
  EXPECT_EQ(errors[0]["fix"], "get<Snapshot>(PathGlobs) or get<Snapshot>(MergeDigests)");
}

TEST(Diagnostic, EveryKindIsThereAsData) {
  ToyRules rules;
  rules.rule("A", "a", {"X"});
  rules.rule("A", "again", {"X"});
  rules.rule("B", "b", {"Unmade"});
  rules.rule("C", "c", {"Y"});
  rules.rule("C", "c", {"Y"});
  rules.rule("Idle", "idle", {});
  rules.goal("g", {"B"}, {{"A", {"X"}}, {"C", {"X"}}});
  rules.query("C", {"Y"});
  const RuleGraph::Compiled compiled = rules.compile();
  std::vector<Diagnostic> all = compiled.errors;
  all.insert(all.end(), compiled.warnings.begin(), compiled.warnings.end());
  EXPECT_EQ(nlohmann::json::parse(to_json(all)), nlohmann::json::parse(R"json({"diagnostics": [
    {"severity": "error", "kind": "duplicate", "wanted_by": "c", "file": "toy.cc", "line": 5,
     "want": "the name is taken", "also_wanted_by": [], "product": "", "scope": [],
     "candidates": [{"rule": "c", "file": "toy.cc", "line": 4, "verdict": "came first"}],
     "problem": "", "fix": "register it once, or give it another name"},
    {"severity": "error", "kind": "unprovided", "wanted_by": "b", "file": "toy.cc", "line": 3,
     "want": "the parameter Unmade", "also_wanted_by": [], "product": "Unmade", "scope": [],
     "candidates": [], "problem": "no rule returns Unmade, and nothing gives it",
     "fix": "register a rule that returns Unmade, or give it as an input of the get or as a root"},
    {"severity": "error", "kind": "ambiguous", "wanted_by": "goal g", "file": "toy.cc", "line": 7,
     "want": "get<A>(X)", "also_wanted_by": [], "product": "A", "scope": ["X"],
     "candidates": [{"rule": "a", "file": "toy.cc", "line": 1, "verdict": "from X"},
                    {"rule": "again", "file": "toy.cc", "line": 2, "verdict": "from X"}],
     "problem": "2 rules make A of this",
     "fix": "remove one of a and again, or let one of them return a type of its own"},
    {"severity": "error", "kind": "missing", "wanted_by": "goal g", "file": "toy.cc", "line": 7,
     "want": "get<C>(X)", "also_wanted_by": [], "product": "C", "scope": ["X"],
     "candidates": [{"rule": "c", "file": "toy.cc", "line": 4,
                     "verdict": "needs Y, which is not in scope"}],
     "problem": "no rule makes C of this", "fix": "get<C>(Y)"},
    {"severity": "warning", "kind": "unused", "wanted_by": "idle", "file": "toy.cc", "line": 6,
     "want": "", "also_wanted_by": [], "product": "Idle", "scope": [], "candidates": [],
     "problem": "no goal and no query reaches this rule",
     "fix": "ask for Idle by a get or a query, or remove the rule"}
  ]})json"));
}

TEST(Diagnostic, WhatIsDeclaredTwiceIsToldWithTheFirst) {
  ToyRules rules = engine();
  rules.query("Addresses", {});
  rules.member("LintRequest", "Specs");
  rules.member("LintRequest", "Specs");
  rules.goal("add", {}, {{"Snapshot", {"PathGlobs", "PathGlobs"}}});
  ToyRules others;
  others.rule("Addresses", "elsewhere", {});
  rules.set.add_all(others.set);
  EXPECT_EQ(errors_of(rules),
            "toy.cc:11: goal add: get<Snapshot>(PathGlobs, PathGlobs) gives PathGlobs twice\n"
            "  fix: give it once; for two different values make a type for each\n"
            "\n"
            "toy.cc:1: elsewhere: another type is named Addresses\n"
            "  resolve (toy.cc:4): came first\n"
            "  fix: give one of the two another kTypeName\n"
            "\n"
            "toy.cc:8: query Addresses(): it was declared before\n"
            "  query Addresses() (toy.cc:7): came first\n"
            "  fix: declare it once\n"
            "\n"
            "toy.cc:10: member Specs of LintRequest: it was registered before\n"
            "  member Specs of LintRequest (toy.cc:9): came first\n"
            "  fix: register it once\n");
}

TEST(Diagnostic, ARuleThatWantsWhatOnlyOthersMayHaveIsToldWhose) {
  ToyRules rules = engine();
  rules.rule("Text", "print", {"Console"});
  rules.rule("Count", "count", {"LintRequest"});
  rules.query("Text", {});
  rules.query("Count", {});
  EXPECT_EQ(
      errors_of(rules),
      "toy.cc:8: print: the parameter Console: no rule returns Console, and nothing gives it\n"
      "  fix: only a goal rule may have Console\n"
      "\n"
      "toy.cc:9: count: the parameter LintRequest: no rule returns LintRequest, and nothing "
      "gives it\n"
      "  fix: LintRequest is the base of a union: take a member, or ask by a get that "
      "LintRequest is the only input of\n");
}

TEST(Diagnostic, ACandidateSaysWhichInputsItDoesNotUse) {
  ToyRules rules = engine();
  rules.rule("Version", "version", {});
  rules.query("Version", {"Process", "PathGlobs"});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:9: query Version(Process, PathGlobs): no rule makes Version of this\n"
            "  in scope: PathGlobs, Process, Specs\n"
            "  version (toy.cc:8): does not use the inputs PathGlobs, Process\n"
            "  fix: query Version()\n");
}

TEST(Diagnostic, AProductThatIsOnlyEverGivenIsToldSo) {
  ToyRules rules = engine();
  rules.goal("read", {}, {{"PathGlobs", {"Specs"}}});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:8: goal read: get<PathGlobs>(Specs): no rule returns PathGlobs\n"
            "  in scope: Specs\n"
            "  fix: register a rule that returns PathGlobs and uses Specs\n");
}

TEST(Diagnostic, SeveralCausesAreToldAtOnceEachOnceAndInOrder) {
  // Two broken rules under one goal, one of them under another as well, and what hangs above.
  ToyRules rules = engine();
  rules.rule("Parsed", "parse", {"Source"}, {{"Grammar", {"Source"}}});
  rules.rule("Checked", "check", {"Parsed", "Policy"});
  rules.rule("Report", "report", {}, {{"Checked", {"Source"}}});
  rules.goal("checks", {"Report"});
  rules.goal("parses", {}, {{"Parsed", {"Source"}}});
  EXPECT_EQ(
      errors_of(rules),
      "toy.cc:8: parse: get<Grammar>(Source): no rule returns Grammar, and nothing gives it\n"
      "  fix: register a rule that returns Grammar, or give it as an input of the get or as a "
      "root\n"
      "\n"
      "toy.cc:9: check: the parameter Policy: no rule returns Policy, and nothing gives it\n"
      "  fix: register a rule that returns Policy, or give it as an input of the get or as a "
      "root\n");
}

TEST(Diagnostic, AGoalThatNobodyCanTypeIsRefused) {
  for (const char* name : {"", "three four", "--all", "über", "a.b", "1st"}) {
    ToyRules rules;
    rules.goal(name, {});
    EXPECT_EQ(errors_of(rules),
              "toy.cc:1: goal " + std::string(name) +
                  ": nobody can type this name\n"
                  "  fix: begin it with a letter, and go on with letters, digits, - and _\n");
  }
  ToyRules rules;
  rules.goal("Lint_all-2", {});
  EXPECT_EQ(errors_of(rules), "");
}

TEST(Diagnostic, AGoalNamedLikeACommandOfKilnsOwnIsRefused) {
  for (const char* name : {"exec", "rules", "help", "store"}) {
    ToyRules rules;
    rules.goal(name, {});
    EXPECT_EQ(errors_of(rules), "toy.cc:1: goal " + std::string(name) +
                                    ": nobody can reach it: `kiln " + name +
                                    "` is a command of kiln's own\n  fix: give it another name\n");
  }
}

TEST(Diagnostic, TwoInstancesOfATemplateAreToldThatTheyShareAName) {
  ToyRules rules = engine();
  rules.rule("Text", "shown", {"Process"});
  rules.rule("Text", "shown", {"PathGlobs"});
  rules.query("Text", {"Process"});
  rules.query("Text", {"PathGlobs"});
  EXPECT_EQ(errors_of(rules),
            "toy.cc:9: shown: the name is taken\n"
            "  shown (toy.cc:8): came first\n"
            "  fix: give it another name: a rule is known by that of its function, which "
            "instances of a template share\n");
}

// --- of real types ---

struct Range {
  static constexpr std::string_view kTypeName = "Range";
  int first = 0;
  int last = 0;
  std::optional<int> step;
  static void fields(auto& self, auto&& field) { field("first", self.first); }
  friend bool operator==(const Range&, const Range&) = default;
};
struct Whole {
  static constexpr std::string_view kTypeName = "Whole";
  std::vector<std::string> names;
  std::map<std::string, std::optional<Real>> numbers;
  Digest digest;
  RelPath path;
  static void fields(auto& self, auto&& field) {
    field("names", self.names);
    field("numbers", self.numbers);
    field("digest", self.digest);
    field("path", self.path);
  }
  friend bool operator==(const Whole&, const Whole&) = default;
};
Rule<Whole> expand(const Range&) { co_return Whole{}; }

TEST(Diagnostic, AMemberThatIsNoFieldIsToldOnce) {
  RuleSet rules;
  rules.add<&expand>();
  rules.query<Whole(Range)>();
  const std::vector<Diagnostic> errors = RuleGraph::compile(std::move(rules)).errors;
  ASSERT_EQ(errors.size(), 1u) << to_text(errors);
  EXPECT_EQ(kind_name(errors[0].kind), "invalid");
  EXPECT_EQ(errors[0].wanted_by, "kiln::rules::expand");
  EXPECT_EQ(errors[0].want, "Range::fields() leaves out 2 members");
  EXPECT_EQ(errors[0].fix,
            "list every member there: values of Range that differ in nothing else would be one");
}

// As Range, without a name, and with one; inside of values that list all of their own.
struct Edge {
  int from = 0;
  int to = 0;
  static void fields(auto& self, auto&& field) { field("from", self.from); }
  friend bool operator==(const Edge&, const Edge&) = default;
};
struct Path {
  static constexpr std::string_view kTypeName = "Path";
  std::vector<Path> branches;  // it may hold itself
  std::map<std::string, std::optional<std::vector<Edge>>> edges;
  static void fields(auto& self, auto&& field) {
    field("branches", self.branches);
    field("edges", self.edges);
  }
  friend bool operator==(const Path&, const Path&) = default;
};
struct Journey {
  static constexpr std::string_view kTypeName = "Journey";
  Path path;
  std::vector<Range> days;
  static void fields(auto& self, auto&& field) {
    field("path", self.path);
    field("days", self.days);
  }
  friend bool operator==(const Journey&, const Journey&) = default;
};
Rule<Whole> travel(const Journey&) { co_return Whole{}; }
Rule<Path> stay(const Range&) { co_return Path{}; }

TEST(Diagnostic, AMemberThatIsNoFieldIsFoundInsideOfAValueToo) {
  RuleSet rules;
  rules.add<&travel>();
  rules.query<Whole(Journey)>();
  EXPECT_THAT(
      to_text(RuleGraph::compile(std::move(rules)).errors),
      testing::AllOf(
          testing::HasSubstr(": kiln::rules::travel: Path.edges::fields() leaves out a member\n"
                             "  fix: list every member there: values of Path.edges that differ in "
                             "nothing else would be one\n"),
          testing::HasSubstr(": kiln::rules::travel: Range::fields() leaves out 2 members\n")));
}

TEST(Diagnostic, AStructThatLeavesMembersOutIsToldOnceHoweverManyHoldIt) {
  RuleSet rules;
  rules.add<&travel>();
  rules.add<&stay>();
  rules.query<Whole(Journey)>();
  rules.query<Path(Range)>();
  EXPECT_THAT(RuleGraph::compile(std::move(rules)).errors, testing::SizeIs(2));
}

struct First {
  static constexpr std::string_view kTypeName = "First";
  static constexpr std::string_view kScope = "tool";
  bool on = false;
  static void fields(auto& self, auto&& field) { field("on", self.on); }
  friend bool operator==(const First&, const First&) = default;
};
struct Second {
  static constexpr std::string_view kTypeName = "Second";
  static constexpr std::string_view kScope = "tool";
  bool off = false;
  static void fields(auto& self, auto&& field) { field("off", self.off); }
  friend bool operator==(const Second&, const Second&) = default;
};
struct Dotted {
  static constexpr std::string_view kTypeName = "Dotted";
  static constexpr std::string_view kScope = "my.tool";
  bool on = false;
  static void fields(auto& self, auto&& field) { field("on", self.on); }
  friend bool operator==(const Dotted&, const Dotted&) = default;
};

TEST(Diagnostic, AnOptionScopeIsAWordOfItsOwn) {
  RuleSet rules;
  rules.options<First>();
  rules.options<First>();
  rules.options<Second>();
  rules.options<Dotted>();
  EXPECT_EQ(to_text(RuleGraph::compile(std::move(rules)).errors),
            "options Second: the scope tool is taken\n"
            "  options First: came first\n"
            "  fix: give one of the two another kScope\n"
            "\n"
            "options Dotted: nobody can type the scope 'my.tool'\n"
            "  fix: begin its kScope with a letter, and go on with letters, digits, - and _\n");
}

TEST(Diagnostic, NamesOfAnyBytesAreStillJson) {
  ToyRules rules;
  rules.rule("A", "a\xff", {"Unmade"});
  rules.query("A", {});
  EXPECT_FALSE(
      nlohmann::json::parse(to_json(rules.compile().errors), nullptr, false).is_discarded());
}

TEST(Nearest, NamesThatDifferInAFewLettersComeFirst) {
  const std::vector<std::string_view> known{"Snapshot", "SnapshotDiff", "Digest", "Process",
                                            "ProcessResult"};
  EXPECT_THAT(nearest("Snapshto", known), ElementsAre("Snapshot"));
  EXPECT_THAT(nearest("snapshot", known), ElementsAre("Snapshot", "SnapshotDiff"));
  EXPECT_THAT(nearest("Process", known), ElementsAre("ProcessResult"));
  EXPECT_THAT(nearest("Zebra", known), IsEmpty());
}

}  // namespace
}  // namespace kiln::rules
