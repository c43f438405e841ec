// kiln rules: what the daemon can compute, as it is told to people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Rules : public KilnTest {
 protected:
  std::string explained(const std::string& name) {
    const Outcome outcome = kiln({"rules", "explain", name});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  }
  // What is said of a command that is refused.
  std::string refused(Arguments arguments) {
    const Outcome outcome = kiln(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  }
};

TEST_F(Rules, ExplainSaysOfEachKindOfTypeWhatItIsFor) {
  EXPECT_THAT(explained("LintRequest"),
              HasSubstr("  members of this union\n    ShellcheckRequest  daemon/backends/shell/"));
  EXPECT_THAT(explained("ShellcheckRequest"), HasSubstr("  member of the unions\n    LintRequest"));
  EXPECT_THAT(explained("Console"),
              HasSubstr("  a side effect, taken by\n    goal lint\n    goal list\n"));
  EXPECT_THAT(explained("PathGlobs"), AllOf(HasSubstr("  fields\n    globs: list\n"),
                                            HasSubstr("    description_of_origin: text\n")));
}

TEST_F(Rules, ExplainSaysHowOptionsAreSet) {
  EXPECT_THAT(explained("ShellcheckOptions"),
              AllOf(HasSubstr("  options of the scope shellcheck\n"),
                    HasSubstr("--option shellcheck.skip=true|false  (default: false)\n"),
                    HasSubstr("--option shellcheck.args=ELEMENT  (default: []; may be repeated)\n"),
                    HasSubstr("--option shellcheck.path=TEXT  (default: \"/usr/local/bin:")));
}

TEST_F(Rules, ExplainOfAGoalHasTheOptionsThatReachIt) {
  EXPECT_THAT(explained("lint"), AllOf(HasSubstr("goal lint("), HasSubstr("--option lint.only="),
                                       HasSubstr("--option shellcheck.skip=")));
  EXPECT_THAT(explained("LintResults"),
              HasSubstr("get<LintResults>(LintRequest = ShellcheckRequest)"));
  EXPECT_THAT(explained("list"), Not(HasSubstr("shellcheck")));
  EXPECT_THAT(kiln({"lint", "--help"}).out, HasSubstr("shellcheck.skip=true|false"));
}

TEST_F(Rules, ExplainRefusesWhatItDoesNotKnow) {
  EXPECT_THAT(refused({"rules", "explain", ""}), HasSubstr("explain what?"));
  EXPECT_THAT(refused({"rules", "explain", "Snapshto"}), HasSubstr("did you mean Snapshot"));
  EXPECT_THAT(refused({"rules", "explain", "lnt"}), HasSubstr("did you mean lint"));
}

TEST_F(Rules, AQueryThatIsWrongSaysWhatThereIs) {
  EXPECT_THAT(
      refused({"rules", "query", "Paths", "MergeDigests={}"}),
      HasSubstr("no query Paths(MergeDigests); for Paths there is\n    Paths(PathGlobs)\n"));
  EXPECT_THAT(refused({"rules", "query", "LintResults"}),
              HasSubstr("no query LintResults(): rules make a LintResults, but not for clients"));
  EXPECT_THAT(refused({"rules", "query", "Paths", "PathGlobs={}", "PathGlobs={}"}),
              HasSubstr("the param PathGlobs is given twice"));
  EXPECT_THAT(refused({"rules", "query", "Snapshto", "Nothing={}"}),
              HasSubstr("did you mean 'Snapshot'?"));
}

TEST_F(Rules, TheListNamesRulesWithoutTheirNamespaces) {
  EXPECT_THAT(kiln({"rules", "list"}).out,
              AllOf(HasSubstr("SpecFiles ← spec_files(Specs)"), Not(HasSubstr("kiln::"))));
}

}  // namespace
}  // namespace kiln::test
