#include "client/command_line.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace kiln {
namespace {

using Words = std::vector<std::string>;

CommandLine split(Words words) {
  return split_command_line(std::move(words),
                            [](const std::string& command) { return command == "digest"; });
}

TEST(CommandLine, FindsTheCommandAmongGlobalOptions) {
  const CommandLine line = split({"--root", "/x", "digest", "--json", "ls", "--color=never", "D"});
  EXPECT_EQ(line.command, "digest");
  EXPECT_EQ(line.subcommand, "ls");
  EXPECT_EQ(line.arguments, (Words{"--root", "/x", "--json", "--color=never", "D"}));
}

TEST(CommandLine, LeavesTheProcessItsOwnWords) {
  const CommandLine line = split({"exec", "--env", "A", "--", "digest", "--json"});
  EXPECT_EQ(line.command, "exec");
  EXPECT_EQ(line.subcommand, "");
  EXPECT_EQ(line.arguments, (Words{"--env", "A", "--", "digest", "--json"}));
}

TEST(CommandLine, MayHaveNoCommand) {
  EXPECT_EQ(split({"--version"}).command, "");
  EXPECT_EQ(split({"--", "exec"}).command, "");
  EXPECT_EQ(split({}).command, "");
}

TEST(GlobalOptions, TheWorkspaceIsTheNearestMarkedDirectory) {
  char name[] = "/tmp/kiln-root-XXXXXX";
  const std::string top = ::mkdtemp(name);
  ASSERT_EQ(std::system(("mkdir -p " + top + "/repo/.git " + top + "/repo/kiln/a/b && touch " +
                         top + "/repo/kiln/kiln.toml && ln -s repo " + top + "/link")
                            .c_str()),
            0);
  const auto root_from = [](const std::string& directory, Words arguments) {
    EXPECT_EQ(::chdir(directory.c_str()), 0);
    OptionParser parser({"kiln", "", "", "", ""});
    GlobalOptions globals;
    globals.add_to(parser);
    EXPECT_TRUE(parser.parse(std::move(arguments)).ok());
    const auto root = globals.workspace_root();
    return root.ok() ? root->value_or("none") : root.error().message();
  };
  EXPECT_EQ(root_from(top + "/repo/kiln/a/b", {}), top + "/repo/kiln");
  EXPECT_EQ(root_from(top + "/link", {}), top + "/repo");
  EXPECT_EQ(root_from(top, {}), "none");
  EXPECT_EQ(root_from(top, {"--root", "link"}), top + "/repo");
  EXPECT_NE(root_from(top, {"--root", "none"}).find("none"), std::string::npos);
  EXPECT_NE(root_from(top, {"--root", "repo/kiln/kiln.toml"}).find("is not a directory"),
            std::string::npos);
  ASSERT_EQ(::chdir("/"), 0);
  std::system(("rm -rf " + top).c_str());
}

}  // namespace
}  // namespace kiln
