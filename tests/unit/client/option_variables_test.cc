// Which environment variables may set options.
#include "client/option_variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

TEST(OptionVariables, AreThoseOfKilnThatAreNotItsOwn) {
  const char* const environment[] = {"HOME=/h",
                                     "KILN_HOME=/k",
                                     "KILN_LINT_ONLY=a=b",
                                     "KILN_JOBS=3",
                                     "KILN_SHELLCHECK_SKIP=",
                                     "XKILN_A_B=c",
                                     "KILN_NOTHING",
                                     nullptr};
  const auto variables = option_variables(environment);
  ASSERT_TRUE(variables.ok());
  EXPECT_THAT(*variables, UnorderedElementsAre(Pair("KILN_LINT_ONLY", "a=b"),
                                               Pair("KILN_SHELLCHECK_SKIP", "")));
}

TEST(OptionVariables, AreText) {
  const char* const environment[] = {"KILN_LINT_ONLY=\xff", nullptr};
  const auto variables = option_variables(environment);
  ASSERT_FALSE(variables.ok());
  EXPECT_EQ(variables.error().message(),
            "the environment variable KILN_LINT_ONLY is not valid UTF-8");
}

}  // namespace
}  // namespace kiln
