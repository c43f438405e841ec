#include "client/rule_chain.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

Error led_to_by_rules(Error error) {
  return error.with_context("while computing digest file src/a.sh in /w")
      .with_context("while computing lint_one(File{name: \"a.sh\"})")
      .with_context("while running elsewhere")
      .with_context("while computing lint_all(Specs{specs: [\"::\"]})");
}

TEST(RuleChain, NamesTheRulesFromWhereItBegan) {
  const Error error =
      with_rule_chain(led_to_by_rules(user_error(ErrorCode::kFailedPrecondition, "no tool")));
  EXPECT_EQ(error.message(), "no tool");
  EXPECT_EQ(error.context().back(), "in lint_one ← lint_all");
  EXPECT_EQ(error.context().size(), 5u) << "the rest is still there for who asks";
}

TEST(RuleChain, IsOfNoUseWhereTheCallersOwnWordsAreWrong) {
  for (const ErrorCode code : {ErrorCode::kInvalidArgument, ErrorCode::kNotFound}) {
    EXPECT_EQ(with_rule_chain(led_to_by_rules(user_error(code, "no such file"))).context().size(),
              4u);
  }
  EXPECT_EQ(with_rule_chain(led_to_by_rules(environment_error(ErrorCode::kNotFound, "lost")))
                .context()
                .back(),
            "in lint_one ← lint_all");
}

TEST(RuleChain, OfABugIsToldAtLengthAlready) {
  EXPECT_EQ(with_rule_chain(led_to_by_rules(internal_error("no way"))).context().size(), 4u);
}

TEST(RuleChain, IsNoneWhereNoRuleIs) {
  const Error error = user_error(ErrorCode::kUnavailable, "gone").with_context("while asking");
  EXPECT_EQ(with_rule_chain(error).context().size(), 1u);
}

}  // namespace
}  // namespace kiln
