// What `kiln rules` shows of a graph that holds together.
#include "daemon/rules/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/rules/effects.h"
#include "tests/support/toy_rules.h"

namespace kiln::rules {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Describe : public ::testing::Test {
 protected:
  Describe() {
    rules_.root("Specs");
    rules_.side_effect("Console");
    rules_.union_base("LintRequest");
    rules_.intrinsic("Snapshot", "capture", {"PathGlobs"});
    rules_.intrinsic("ProcessResult", "execute", {"Process"});
    rules_.rule("Addresses", "resolve", {"Specs"}, {{"Snapshot", {"PathGlobs"}}});
    rules_.rule("LintResult", "kiln::shell::shellcheck", {"Shellcheck"},
                {{"Snapshot", {"PathGlobs"}}, {"ProcessResult", {"Process"}}});
    rules_.member("LintRequest", "Shellcheck");
    rules_.goal("lint", {"Console", "Addresses"}, {{"LintResult", {"LintRequest"}}});
    rules_.goal("list", {"Console", "Addresses"});
    rules_.query("Snapshot", {"PathGlobs"});
    compiled_ = rules_.compile();
  }

  const RuleGraph& graph() const { return *compiled_.graph; }

 private:
  ToyRules rules_;
  RuleGraph::Compiled compiled_;
};

TEST_F(Describe, TheListHasEveryRuleWithWhatItTakesAndAsksFor) {
  EXPECT_EQ(list_rules(graph(), DescribeAs::kText),
            "goals\n"
            "  lint(Console, Addresses)  toy.cc:6\n"
            "      get<LintResult>(LintRequest)\n"
            "  list(Console, Addresses)  toy.cc:7\n"
            "\n"
            "queries\n"
            "  Snapshot(PathGlobs)  toy.cc:8\n"
            "\n"
            "rules\n"
            "  Addresses ← resolve(Specs)  toy.cc:3\n"
            "      get<Snapshot>(PathGlobs)\n"
            "  LintResult ← shellcheck(Shellcheck)  toy.cc:4\n"
            "      get<Snapshot>(PathGlobs)\n"
            "      get<ProcessResult>(Process)\n"
            "  ProcessResult ← execute(Process)  toy.cc:2, built in\n"
            "  Snapshot ← capture(PathGlobs)  toy.cc:1, built in\n");
}

TEST_F(Describe, TheListAsJsonHasTheSame) {
  const auto json = nlohmann::json::parse(list_rules(graph(), DescribeAs::kJson));
  EXPECT_EQ(json["goals"].size(), 2u);
  EXPECT_EQ(json["queries"][0]["product"], "Snapshot");
  EXPECT_EQ(json["queries"][0]["inputs"], nlohmann::json({"PathGlobs"}));
  EXPECT_EQ(json["roots"], nlohmann::json({"Specs"}));
  ASSERT_EQ(json["rules"].size(), 4u);
  const auto& shellcheck = json["rules"][1];
  EXPECT_EQ(shellcheck["name"], "kiln::shell::shellcheck");
  EXPECT_EQ(shellcheck["kind"], "rule");
  EXPECT_EQ(shellcheck["product"], "LintResult");
  EXPECT_EQ(shellcheck["params"], nlohmann::json({"Shellcheck"}));
  EXPECT_EQ(shellcheck["gets"][1]["product"], "ProcessResult");
  EXPECT_EQ(shellcheck["file"], "toy.cc");
  EXPECT_EQ(shellcheck["line"], 4);
  EXPECT_EQ(shellcheck["uncacheable"], false);
  EXPECT_EQ(json["rules"][2]["kind"], "intrinsic");
}

TEST_F(Describe, ATypeIsExplainedByWhoMakesItAndWhoWantsIt) {
  const auto text = explain_type(graph(), "Snapshot", DescribeAs::kText);
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(*text, HasSubstr("Snapshot\n"
                               "  made by\n"
                               "    capture(PathGlobs)  toy.cc:1, built in\n"
                               "      of PathGlobs\n"
                               "  wanted by\n"));
  EXPECT_THAT(*text, HasSubstr("    resolve (toy.cc:3): get<Snapshot>(PathGlobs) → "
                               "capture(PathGlobs)\n"));
  EXPECT_THAT(*text, HasSubstr("    shellcheck (toy.cc:4): get<Snapshot>(PathGlobs) "
                               "→ capture(PathGlobs)\n"));
  EXPECT_THAT(*text, HasSubstr("  answered to\n    query Snapshot(PathGlobs)\n"));
}

TEST_F(Describe, AParamIsExplainedByWhatGivesIt) {
  EXPECT_EQ(*explain_type(graph(), "Shellcheck", DescribeAs::kText),
            "Shellcheck\n"
            "  member of the unions\n"
            "    LintRequest\n"
            "  given as a param by\n"
            "    goal lint: get<LintResult>(LintRequest = Shellcheck)\n"
            "  wanted by\n"
            "    shellcheck (toy.cc:4): the parameter Shellcheck → a param\n");
  EXPECT_THAT(*explain_type(graph(), "Specs", DescribeAs::kText),
              HasSubstr("    every goal and query\n"));
}

TEST_F(Describe, AnExplanationAsJsonHasTheSame) {
  const auto json = nlohmann::json::parse(*explain_type(graph(), "LintResult", DescribeAs::kJson));
  EXPECT_EQ(json["type"], "LintResult");
  EXPECT_EQ(json["made_by"][0]["name"], "kiln::shell::shellcheck");
  EXPECT_EQ(json["made_by"][0]["entries"], nlohmann::json({{"Shellcheck"}}));
  EXPECT_EQ(json["wanted_by"][0]["rule"], "lint");
  EXPECT_EQ(json["wanted_by"][0]["answer"], "shellcheck(Shellcheck)");
}

TEST_F(Describe, AUnionIsExplainedByItsMembersAndASideEffectByWhoTakesIt) {
  EXPECT_THAT(*explain_type(graph(), "LintRequest", DescribeAs::kText),
              HasSubstr("  members of this union\n    Shellcheck  toy.cc:5\n"));
  EXPECT_EQ(*explain_type(graph(), "Console", DescribeAs::kText),
            "Console\n"
            "  a side effect, taken by\n"
            "    goal lint\n"
            "    goal list\n");
}

TEST_F(Describe, AGoalIsExplainedByWhatItTakesAndAsksFor) {
  EXPECT_EQ(*explain_type(graph(), "lint", DescribeAs::kText),
            "goal lint(Console, Addresses)  toy.cc:6\n"
            "  asks for\n"
            "    get<LintResult>(LintRequest)\n");
  EXPECT_EQ(explain_type(graph(), "", DescribeAs::kText).error().code(),
            ErrorCode::kInvalidArgument);
}

// --- of real types: their fields, and how options are set ---

enum class Tone : uint8_t { kKind, kStern };
constexpr auto enum_names(Tone) { return std::array<std::string_view, 2>{"kind", "stern"}; }

struct ToneOptions {
  static constexpr std::string_view kTypeName = "ToneOptions";
  static constexpr std::string_view kScope = "tone";
  Tone tone = Tone::kStern;
  bool loud = false;
  int64_t times = 3;
  std::vector<std::string> words;
  std::map<std::string, int> notes;
  std::optional<int> limit;
  static void fields(auto& self, auto&& field) {
    field("tone", self.tone);
    field("loud", self.loud);
    field("times", self.times);
    field("words", self.words);
    field("notes", self.notes);
    field("limit", self.limit);
  }
  friend bool operator==(const ToneOptions&, const ToneOptions&) = default;
};
struct Tune {
  static constexpr std::string_view kTypeName = "Tune";
  std::string text;
  static void fields(auto& self, auto&& field) { field("text", self.text); }
  friend bool operator==(const Tune&, const Tune&) = default;
};
Rule<Tune> compose(const ToneOptions& options) { co_return Tune{options.loud ? "forte" : "piano"}; }
GoalRule<> sing(Console& console, const Tune& tune) {
  console.print(tune.text);
  co_return 0;
}

class DescribeOptions : public ::testing::Test {
 protected:
  DescribeOptions() {
    RuleSet rules;
    rules.options<ToneOptions>();
    rules.add<&compose>();
    rules.goal<&sing>("sing", "Sings.");
    compiled_ = RuleGraph::compile(std::move(rules));
  }
  std::string explained(std::string_view what, DescribeAs form) const {
    return *explain_type(*compiled_.graph, what, form);
  }

 private:
  RuleGraph::Compiled compiled_;
};

TEST_F(DescribeOptions, AGoalSaysWhichOptionsReachItAndHowTheyAreSet) {
  EXPECT_THAT(explained("sing", DescribeAs::kText),
              HasSubstr("  options\n"
                        "    --option tone.tone=kind|stern  (default: \"stern\")\n"
                        "    --option tone.loud=true|false  (default: false)\n"
                        "    --option tone.times=INTEGER  (default: 3)\n"
                        "    --option tone.words=ELEMENT  (default: []; may be repeated)\n"
                        "    --option tone.notes=RECORD  (default: {})\n"
                        "    --option tone.limit=VALUE  (default: null)\n"));
}

TEST_F(DescribeOptions, AGoalSaysTheSameAsData) {
  const auto json = nlohmann::json::parse(explained("sing", DescribeAs::kJson));
  EXPECT_EQ(json["name"], "sing");
  EXPECT_EQ(json["summary"], "Sings.");
  ASSERT_EQ(json["options"].size(), 1u);
  EXPECT_EQ(json["options"][0]["scope"], "tone");
  const auto& fields = json["options"][0]["fields"];
  ASSERT_EQ(fields.size(), 6u);
  EXPECT_EQ(fields[0],
            nlohmann::json({{"name", "tone"}, {"kind", "kind|stern"}, {"default", "stern"}}));
  EXPECT_EQ(fields[2], nlohmann::json({{"name", "times"}, {"kind", "integer"}, {"default", 3}}));
}

TEST_F(DescribeOptions, AGoalIsToldFromARuleOfItsName) {
  EXPECT_THAT(explained("Tune", DescribeAs::kText),
              HasSubstr("  wanted by\n    goal sing (tests/unit/rules/describe_test.cc:"));
}

TEST_F(Describe, AnUnknownTypeIsAnsweredByTheNearest) {
  const auto text = explain_type(graph(), "LintResults", DescribeAs::kText);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(text.error().message(),
            "there is no type and no goal LintResults; did you mean LintResult or LintRequest or "
            "lint?");
}

TEST_F(Describe, TheDrawingHasAnArrowForEachAnswer) {
  const std::string dot = *draw_rules(graph(), std::nullopt, DrawAs::kDot);
  EXPECT_THAT(dot, HasSubstr("[label=<<b>LintResult</b><br/>shellcheck>"));
  EXPECT_THAT(dot, HasSubstr("query<br/><b>Snapshot(PathGlobs)</b>"));
  EXPECT_THAT(dot, HasSubstr("e0 -> e4 [style=dashed label=<Shellcheck>];"));
  EXPECT_THAT(dot, HasSubstr("<Specs> shape=ellipse"));
}

TEST_F(Describe, TheDrawingOfAGoalHasOnlyWhatItReaches) {
  const std::string dot = *draw_rules(graph(), "list", DrawAs::kDot);
  EXPECT_THAT(dot, HasSubstr("<b>Addresses</b>"));
  EXPECT_THAT(dot, Not(HasSubstr("LintResult")));
  EXPECT_THAT(dot, Not(HasSubstr("query")));
  const auto error = draw_rules(graph(), "lnt", DrawAs::kDot);
  ASSERT_FALSE(error.ok());
  EXPECT_THAT(error.error().message(), HasSubstr("no goal lnt; did you mean lint"));
}

TEST_F(Describe, TheDrawingAsJsonBindsEveryWant) {
  const auto json = nlohmann::json::parse(*draw_rules(graph(), "lint", DrawAs::kJson));
  ASSERT_EQ(json["roots"].size(), 1u);
  EXPECT_EQ(json["roots"][0]["name"], "lint");
  const auto& lint = json["entries"][json["roots"][0]["answer"].get<size_t>()];
  EXPECT_EQ(lint["rule"], "lint");
  EXPECT_EQ(lint["params"], nlohmann::json({"Specs"}));
  const auto& asked = lint["wants"][1];
  EXPECT_EQ(asked["union"], "LintRequest");
  EXPECT_EQ(asked["inputs"], nlohmann::json({"Shellcheck"}));
  EXPECT_EQ(json["entries"][asked["answer"].get<size_t>()]["rule"], "kiln::shell::shellcheck");
}

}  // namespace
}  // namespace kiln::rules
