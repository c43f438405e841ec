// First lines of scripts, as Linux and env read them; and what wrappers start.
#include "daemon/intrinsics/host/shebang.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/intrinsics/host/launchers.h"

namespace kiln::intrinsics {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ShebangTest, HasAnInterpreterAndOneArgument) {
  EXPECT_EQ(parse_shebang("#!/bin/sh\n"), (Shebang{"/bin/sh", ""}));
  EXPECT_EQ(parse_shebang("#! \t/bin/sh  -e -u \nrest"), (Shebang{"/bin/sh", "-e -u"}));
  EXPECT_EQ(parse_shebang("#!/bin/sh"), (Shebang{"/bin/sh", ""}));
  EXPECT_EQ(parse_shebang("#!/bin/sh\r\n"), (Shebang{"/bin/sh\r", ""}));
  EXPECT_EQ(parse_shebang("#!\n/bin/sh"), std::nullopt);
  EXPECT_EQ(parse_shebang("# !/bin/sh"), std::nullopt);
  EXPECT_EQ(parse_shebang(""), std::nullopt);
}

std::string env_starts(std::string_view argument) {
  const auto command = parse_env_argument(argument);
  if (!command) return "nothing";
  return command->command + (command->path ? " in " + *command->path : "") +
         (command->clears ? " cleared" : "");
}

TEST(ShebangTest, EnvLeadsToACommand) {
  EXPECT_EQ(env_starts("python3"), "python3");
  EXPECT_EQ(env_starts("/opt/bin/python3"), "/opt/bin/python3");
  EXPECT_EQ(env_starts("-S python3 -u"), "python3");
  EXPECT_EQ(env_starts("-Spython3 -u"), "python3");
  EXPECT_EQ(env_starts("--split-string=A=1 python3 B=2"), "python3");
  EXPECT_EQ(env_starts("-S A=1 PATH=/opt:/bin python3"), "python3 in /opt:/bin");
  EXPECT_EQ(env_starts("-S -i python3"), "python3 cleared");
  EXPECT_EQ(env_starts("-iS python3"), "python3 cleared");
  EXPECT_EQ(env_starts("-vS -u NAME -C /tmp -- python3"), "python3");
  EXPECT_EQ(env_starts("-S -uNAME \"my python\" x"), "my python");
  EXPECT_EQ(env_starts("-S python\\_-u"), "python");
  EXPECT_EQ(env_starts(""), "nothing");
  EXPECT_EQ(env_starts("-i"), "nothing");
  EXPECT_EQ(env_starts("A=1"), "nothing");
}

TEST(WrapperTest, AnExecOfAnAbsolutePathSaysWhatItStarts) {
  const Launch launch = launch_of_wrapper(
      "#!/bin/sh\n# comment\nexport A=1\nexec /opt/tool/bin/real --flag /opt/tool/main.py "
      "\"$@\"\n\n");
  EXPECT_THAT(launch.programs, ElementsAre("/opt/tool/bin/real"));
  EXPECT_THAT(launch.files, ElementsAre("/opt/tool/main.py"));
  EXPECT_FALSE(launch.unknown);
  EXPECT_THAT(launch_of_wrapper("exec -a name '/opt/real' \"$@\"").programs,
              ElementsAre("/opt/real"));
}

TEST(WrapperTest, ANameIsLookedForInPath) {
  const Launch launch = launch_of_wrapper("#!/bin/sh\nexec real -v \"$@\"\n");
  EXPECT_THAT(launch.commands, ElementsAre("real"));
  EXPECT_FALSE(launch.unknown);
}

TEST(WrapperTest, WhatIsExpandedIsNotKnown) {
  for (const char* command :
       {"exec \"$ROOT/bin/real\" \"$@\"", "exec $(dirname $0)/real \"$@\"",
        "export PATH=/x\nexec real \"$@\"", "  exec \"${0%/*}/real\" -x \"$@\" # last"}) {
    const Launch launch = launch_of_wrapper(std::string("#!/bin/sh\n") + command + "\n");
    EXPECT_TRUE(launch.unknown) << command;
    EXPECT_THAT(launch.programs, IsEmpty()) << command;
  }
}

TEST(WrapperTest, AnOrdinaryScriptIsNoLauncher) {
  for (const char* script : {"echo hello", "for a in \"$@\"; do echo $a; done", "exec 2>/dev/null",
                             "exec /bin/cat file\n", ""}) {
    const Launch launch = launch_of_wrapper(std::string("#!/bin/sh\n") + script + "\n");
    EXPECT_FALSE(launch.unknown) << script;
    EXPECT_THAT(launch.programs, IsEmpty()) << script;
  }
}

}  // namespace
}  // namespace kiln::intrinsics
