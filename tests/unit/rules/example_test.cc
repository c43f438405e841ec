// The example of daemon/rules/README.md, run; tests/e2e runs it in a daemon.
#include <fstream>
#include <sstream>

#include "tests/support/greeter.h"
#include "tests/unit/rules/runtime_fixture.h"

namespace kiln::rules {
namespace {

class ReadmeTest : public RuntimeTest {
 protected:
  void SetUp() override { set.add_all(greeter::rules()); }
};

TEST_F(ReadmeTest, TheExampleRuns) {
  give(greeter::GreeterOptions{});
  EXPECT_EQ(*goal("greet"), 0);
  ASSERT_EQ(printed.size(), 1);
  EXPECT_EQ(printed[0].out, "Hi, Ada\nHi, Grace\n");
  give(greeter::GreeterOptions{.polite = true});
  EXPECT_EQ(ask<greeter::Greeting>(greeter::Person{"Ada"})->text, "Good day, Ada");
  EXPECT_EQ(ask<greeter::Greeting>(greeter::Person{}).error().message(),
            "nobody is there to greet");
}

// The text between the first two lines that are `mark` and `end`.
std::string between(const std::string& path, const std::string& mark, const std::string& end) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (inside && line == end) return text;
    if (inside) text += line + "\n";
    if (line == mark) inside = true;
  }
  ADD_FAILURE() << path << " has no text between '" << mark << "' and '" << end << "'";
  return text;
}

TEST(Readme, ShowsTheExampleThatRuns) {
  const std::string source = KILN_SOURCE_DIR;
  const std::string readme = source + "/daemon/rules/README.md";
  EXPECT_EQ(between(readme, "```cpp", "```"),
            between(source + "/tests/support/greeter.h", "// [example]", "// [example]"));
  EXPECT_EQ(between(readme, "```cpp main", "```"),
            between(source + "/tests/e2e/kilnds/greeter.cc", "// [main]", "// [main]"));
}

}  // namespace
}  // namespace kiln::rules
