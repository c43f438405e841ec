#include "daemon/os/git_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

std::string shown(const std::vector<GitConfigEntry>& entries) {
  std::string text;
  for (const auto& [section, subsection, name, value] : entries) {
    text += section + (subsection.empty() ? "" : "." + subsection) + "." + name;
    if (value) text += "\n" + *value;
    text += '|';
  }
  return text;
}

// `git config --list -z`, with '|' for NUL.
std::string listed_by_git(const test::TempDirectory& root) {
  const std::string command = "git config -f " + root.path("config") + " --list -z";
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c; (c = std::fgetc(pipe)) != EOF;) text += c == 0 ? '|' : static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0);
  return text;
}

TEST(GitConfig, IsReadAsGitReadsIt) {
  const test::TempDirectory root;
  for (const char* text :
       {"[core]\n\texcludesFile = ~/.ignore\n", "[a]x=1\n[B]Y=2 ; comment\n", "[a]\nflag\n",
        "[a \"Sub.x\\\"y\"]\n k = v\n", "[a.Old]\nk = v\n", "[a]\nk = \"  kept  \"  \n",
        "[a]\nk = one \\\n  two\n", "[a]\nk = x\\ty\\\\z\\\"\n", "[a]\nk = a # b\nl = \"a # b\"\n",
        "\xEF\xBB\xBF[a]\r\nk = v\r\nl =  w  \r\n", "# c\n; d\n\n[a] k = v", "[a]\nk =\nl = \"\"\n",
        "[a]\nk = in\"si\"de  x  y\n"}) {
    root.write("config", text);
    EXPECT_EQ(shown(parse_git_config(text)), listed_by_git(root)) << text;
  }
}

TEST(GitConfig, EndsAtASyntaxError) {
  EXPECT_EQ(shown(parse_git_config("[a]\nk = v\n[b\nl = w\n")), "a.k\nv|");
  for (const char* text : {"", "[", "[a", "[a \"", "k = v\n", "[a]\nk = \"open\n", "[a]\nk = \\q\n",
                           "[a]\nk = x\\", "[a]\n1 = \n-"}) {
    parse_git_config(text);
  }
}

TEST(GitConfig, KnowsWhatIsTrue) {
  for (const char* text : {"true", "YES", "on", "1", "10"}) {
    EXPECT_TRUE(is_true({"a", "", "k", text})) << text;
  }
  for (const char* text : {"false", "no", "off", "0", "", "x"}) {
    EXPECT_FALSE(is_true({"a", "", "k", text})) << text;
  }
  EXPECT_TRUE(is_true({"a", "", "k", std::nullopt}));
}

}  // namespace
}  // namespace kiln::os
