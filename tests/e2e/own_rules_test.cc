// Daemons with rules of their own: how they are asked, and what their authors are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

size_t count_of(const std::string& text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

class OwnRules : public KilnTest {
 protected:
  Outcome run_daemon(const std::string& program, Arguments arguments) {
    arguments.insert(arguments.begin(), program);
    return run(arguments, {environment(), workspace().string(), ""});
  }
};

TEST_F(OwnRules, AreAskedLikeThoseThatKilnComesWith) {
  environment()["KILN_DAEMON"] = KILND_GREETER;
  EXPECT_EQ(kiln({"greet"}).out, "Hi, Ada\nHi, Grace\n");
  EXPECT_EQ(kiln({"greet", "--option", "greeter.polite=true"}).out,
            "Good day, Ada\nGood day, Grace\n");
  EXPECT_EQ(kiln({"rules", "query", "Greeting", R"(Person={"name": "Eve"})"}).out,
            "{\"text\":\"Hi, Eve\"}\n");
  write("file", "");
  EXPECT_EQ(kiln({"list", "greet", "::"}).out, "file\nHi, Ada\nHi, Grace\n");
}

TEST_F(OwnRules, AGoalThatIsNotThereIsNamedWithTheNearest) {
  environment()["KILN_DAEMON"] = KILND_GREETER;
  const Outcome outcome = kiln({"great"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("unknown command 'great'; did you mean greet?"));
}

TEST_F(OwnRules, ThatFitAreSaidToFit) {
  const Outcome text = run_daemon(KILND_GREETER, {"--check-rules"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_EQ(text.out, "");
  EXPECT_THAT(text.err, HasSubstr("rules fit together"));
  const Outcome json = run_daemon(KILND_GREETER, {"--check-rules", "--json"});
  EXPECT_EQ(json.exit_code, 0);
  EXPECT_TRUE(nlohmann::json::parse(json.out)["diagnostics"].empty()) << json.out;
  EXPECT_EQ(json.err, "");
  EXPECT_FALSE(std::filesystem::exists(home())) << "asking opens nothing";
}

// The line of `declaration` in the source, as diagnostics name it: that of the registration.
std::string place_of(const std::string& registration) {
  const std::string source = slurp(KILN_SOURCE_DIR "/tests/e2e/kilnds/wrong_rules.cc");
  const size_t at = source.find(registration);
  EXPECT_NE(at, std::string::npos) << registration;
  const auto end = source.begin() + static_cast<std::ptrdiff_t>(at);
  return "tests/e2e/kilnds/wrong_rules.cc:" +
         std::to_string(1 + std::count(source.begin(), end, '\n'));
}

// Each cause as a paragraph.
std::string duplicate_paragraph() {
  return place_of("set.goal<&lint>") + ": goal lint: the name is taken\n";
}
std::string missing_paragraph() {
  return place_of("set.add<&count_files>") +
         ": wrong::count_files: get<Snapshot>(Topic): no rule makes Snapshot of this\n";
}
std::string ambiguous_paragraph() {
  return place_of("set.query<Report(Topic)>") +
         ": query Report(Topic): 2 rules make Report of this\n";
}
std::string unused_paragraph() {
  return place_of("set.add<&idle>") +
         ": warning: wrong::idle: no goal and no query reaches this rule\n";
}

void expect_every_cause_once(const std::string& text) {
  for (const std::string& cause :
       {duplicate_paragraph(), missing_paragraph(), ambiguous_paragraph()}) {
    EXPECT_EQ(count_of(text, cause), 1u) << cause << "in:\n" << text;
  }
  EXPECT_EQ(count_of(text, "  fix: "), 3 + count_of(text, ": warning: ")) << text;
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("goal lint (daemon/backends/core/lint.cc:"), HasSubstr("came first"),
            HasSubstr("snapshot_of_globs (daemon/intrinsics/tree_rules.cc:"),
            HasSubstr("needs PathGlobs, which is not in scope"), HasSubstr("fix: get<Snapshot>("),
            HasSubstr("  wrong::write_report (" + place_of("set.add<&write_report>") +
                      "): from Topic\n"),
            HasSubstr("  wrong::copy_report (" + place_of("set.add<&copy_report>") +
                      "): from Topic\n"),
            HasSubstr("fix: remove one of wrong::write_report and wrong::copy_report")));
}

TEST_F(OwnRules, ThatDoNotFitAreToldEveryCauseOnceAndNoConsequence) {
  const Outcome outcome = run_daemon(KILND_WRONG_RULES, {"--check-rules"});
  EXPECT_EQ(outcome.exit_code, 2);
  expect_every_cause_once(outcome.out);
  EXPECT_EQ(count_of(outcome.out, unused_paragraph()), 1u) << outcome.out;
  EXPECT_EQ(count_of(outcome.out, "wrong_rules.cc:"), 6u) << "no more places:\n" << outcome.out;
}

TEST_F(OwnRules, ThatDoNotFitAreToldAsData) {
  const Outcome outcome = run_daemon(KILND_WRONG_RULES, {"--check-rules", "--json"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "");
  const auto diagnostics = nlohmann::json::parse(outcome.out)["diagnostics"];
  std::vector<std::string> kinds;
  for (const auto& diagnostic : diagnostics) {
    kinds.push_back(diagnostic["severity"].get<std::string>() + " " +
                    diagnostic["kind"].get<std::string>());
  }
  ASSERT_THAT(kinds,
              ElementsAre("error duplicate", "error ambiguous", "error missing", "warning unused"));
  const auto& ambiguous = diagnostics[1];
  EXPECT_EQ(ambiguous["wanted_by"], "query Report(Topic)");
  EXPECT_EQ(ambiguous["product"], "Report");
  EXPECT_EQ(ambiguous["candidates"][0]["rule"], "wrong::write_report");
  EXPECT_EQ(ambiguous["candidates"][1]["verdict"], "from Topic");
  const auto& missing = diagnostics[2];
  EXPECT_EQ(missing["wanted_by"], "wrong::count_files");
  EXPECT_EQ(missing["want"], "get<Snapshot>(Topic)");
  EXPECT_THAT(missing["file"].get<std::string>() + ":" + std::to_string(int{missing["line"]}),
              place_of("set.add<&count_files>"));
  EXPECT_FALSE(missing["candidates"].empty());
  for (const auto& candidate : missing["candidates"]) {
    EXPECT_NE(candidate["verdict"], "") << candidate;
  }
  EXPECT_THAT(missing["fix"].get<std::string>(), StartsWith("get<Snapshot>("));
}

TEST_F(OwnRules, ThatDoNotFitAreToldByTheClientThatWouldStartTheDaemon) {
  environment()["KILN_DAEMON"] = KILND_WRONG_RULES;
  const Outcome outcome = kiln({"daemon", "start"});
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("kiln: the daemon did not start: its rules do not fit "));
  expect_every_cause_once(outcome.err);
  EXPECT_THAT(outcome.err, Not(HasSubstr("warning")));
  EXPECT_EQ(kiln({"list"}).exit_code, 125) << "whatever is asked";
}

TEST_F(OwnRules, CheckingIsForJsonToo) {
  EXPECT_EQ(run_daemon(KILND_GREETER, {"--json"}).exit_code, 2);
}

}  // namespace
}  // namespace kiln::test
