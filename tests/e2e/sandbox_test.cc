// The levels of sandboxes, as users meet them.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Sandbox : public KilnTest {
 protected:
  Sandbox() { environment().erase("KILN_SANDBOX_LEVEL"); }
  void SetUp() override {
    const Outcome outcome = kiln({"exec", "--sandbox", "strict", "--", "true"});
    if (outcome.err.find("is not possible on this machine") != std::string::npos) {
      GTEST_SKIP() << outcome.err;
    }
    write("secret.txt", "secret\n");
  }
  Arguments read_secret(Arguments options = {}) {
    Arguments arguments = {"exec", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(),
                     {"--", "sh", "-c", "cat " + (workspace() / "secret.txt").string() + "; pwd"});
    return arguments;
  }
};

TEST_F(Sandbox, IsStrictByDefault) {
  const nlohmann::json result = kiln_json(read_secret());
  EXPECT_EQ(result["stdout"], "/sandbox\n");
  EXPECT_EQ(result["sandbox"], "strict");
  EXPECT_EQ(result["warnings"].size(), 0u);
}

TEST_F(Sandbox, ThatIsPlainShowsWhatTheUserCanRead) {
  const nlohmann::json result = kiln_json(read_secret({"--sandbox", "plain"}));
  EXPECT_THAT(result["stdout"].get<std::string>(), HasSubstr("secret\n"));
  EXPECT_EQ(result["sandbox"], "plain");
  EXPECT_EQ(result["warnings"].size(), 0u) << "it was asked for";
  const nlohmann::json confined = kiln_json(read_secret({"--network", "loopback"}));
  EXPECT_EQ(confined["sandbox"], "strict") << "that is what confines a network";
}

TEST_F(Sandbox, LevelIsAnOption) {
  write("kiln.toml", "[sandbox]\nlevel = \"plain\"\n");
  EXPECT_EQ(kiln_json(read_secret())["sandbox"], "plain");
  EXPECT_EQ(kiln_json(read_secret({"--sandbox", "strict"}))["sandbox"], "strict");
  EXPECT_EQ(kiln_json(read_secret({"--option", "sandbox.level=strict"}))["sandbox"], "strict");
  const Outcome wrong = kiln(read_secret({"--option", "sandbox.level=loose"}));
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("loose"), HasSubstr("strict")));
}

TEST_F(Sandbox, ShowsPathsOfTheHostThatAreLent) {
  const fs::path lent = temp_path() / "lent";
  write_file(lent / "data", "lent\n");
  const Arguments command = {"--", "sh", "-c",
                             "cat " + (lent / "data").string() + "; touch " +
                                 (lent / "new").string() + " 2>/dev/null || echo read-only"};
  const auto run_it = [&](Arguments options) {
    Arguments arguments = {"exec"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), command.begin(), command.end());
    return kiln(arguments);
  };
  EXPECT_EQ(run_it({}).out, "read-only\n");
  const std::string option = "sandbox.host_paths=[\"" + lent.string() + "\"]";
  EXPECT_EQ(run_it({"--option", option}).out, "lent\nread-only\n") << "it is in the key";
  EXPECT_THAT(run_it({"--explain-key", "--option", option}).out, HasSubstr(lent.string()));
  const Outcome wrong = run_it({"--option", "sandbox.host_paths=[\"../x\"]"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("../x"), HasSubstr("sandbox.host_paths")));
}

TEST_F(Sandbox, ThatTheMachineForbidsIsPlainAndSaysSo) {
  ASSERT_EQ(kiln({"daemon", "stop"}).exit_code, 0);
  const Outcome started = run(
      {"/usr/bin/unshare", "--user", "--map-root-user", "sh", "-c",
       "echo 0 >/proc/sys/user/max_user_namespaces && exec " + client().string() + " daemon start"},
      {environment(), workspace().string(), ""});
  if (started.exit_code != 0) GTEST_SKIP() << started.err;
  const Outcome outcome = kiln(read_secret());
  const auto result = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(result["sandbox"], "plain");
  ASSERT_EQ(result["warnings"].size(), 1u) << result;
  EXPECT_THAT(result["warnings"][0].get<std::string>(),
              AllOf(HasSubstr("plain"), HasSubstr("user namespaces"), HasSubstr("kiln doctor")));
  const Outcome strict = kiln(read_secret({"--sandbox", "strict"}));
  EXPECT_EQ(strict.exit_code, 125);
  EXPECT_THAT(strict.err, HasSubstr("max_user_namespaces"));
}

TEST_F(Sandbox, OfWhoConfinesNothingDoesNotPretendToConfineTheNetwork) {
  const Outcome outcome = kiln({"exec", "--sandbox", "plain", "--network", "none", "--", "true"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("only the sandbox level strict"));
}

TEST_F(Sandbox, AFailureNamesTheInputThatIsMissing) {
  if (!fs::exists("/usr/bin/cc")) GTEST_SKIP() << "no C compiler";
  write("src/a.c", "#include \"b.h\"\n");
  write("src/b.h", "");
  for (const char* level : {"strict", "plain"}) {
    const Arguments compile = {"exec",          "--sandbox", level, "--input", "src/a.c",
                               "--output-file", "a.o",       "--",  "cc",      "-c",
                               "src/a.c",       "-o",        "a.o"};
    const Outcome outcome = kiln(compile);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("kiln: it asked for src/b.h, which is in the workspace and "
                                       "was no input: add --input src/b.h\n"));
    EXPECT_THAT(kiln(compile).err, HasSubstr("--input src/b.h")) << "memoized";
  }
  write("src/tool", "#!/bin/sh\n");
  EXPECT_THAT(kiln({"exec", "--", "src/tool"}).err, HasSubstr("add --input //src/tool"));
  EXPECT_THAT(kiln({"exec", "--", "src/none"}).err, testing::Not(HasSubstr("--input")));
  const Outcome other = kiln({"exec", "--", "cat", "src/nowhere.h"});
  EXPECT_THAT(other.err, testing::Not(HasSubstr("--input")));
}

TEST_F(Sandbox, CachesOutliveProcessesAndAreInNoKeyAndNoResult) {
  for (const std::string level : {"strict", "plain"}) {
    SCOPED_TRACE(level);
    const auto append = [&](const std::string& line, Arguments options) {
      Arguments arguments = {"exec", "--json", "--sandbox", level, "--output-file", "o"};
      arguments.insert(arguments.end(), options.begin(), options.end());
      arguments.insert(arguments.end(), {"--", "sh", "-c",
                                         "echo " + line +
                                             " >>.cache/of/log; cat .cache/of/log; "
                                             "echo x >o"});
      return kiln_json(arguments);
    };
    const Arguments cache = {"--cache-dir", level + "_log=.cache/of"};
    EXPECT_EQ(append("one", cache)["stdout"], "one\n");
    const nlohmann::json two = append("two", cache);
    EXPECT_EQ(two["stdout"], "one\ntwo\n");
    EXPECT_EQ(append("two", cache)["source"], "memoized");
    EXPECT_EQ(append("two", {"--cache-dir", level + "_other=.cache/of"})["source"], "memoized")
        << "the name is in no key";
    EXPECT_EQ(append("three", {"--cache-dir", level + "_other=.cache/of"})["stdout"], "three\n");
    const Outcome left = kiln({"digest", "ls", two["output_digest"]});
    EXPECT_EQ(left.out, "o\n");
  }
  EXPECT_EQ(fs::status(home() / "caches/strict_log").permissions(), fs::perms::owner_all);
}

TEST_F(Sandbox, CachesThatCannotBeShownAreRefused) {
  write("in/x", "");
  const std::pair<Arguments, const char*> wrong[] = {
      {{"--cache-dir", "Big=c"}, "names are made of a-z"},
      {{"--cache-dir", "c=../out"}, "leads out"},
      {{"--cache-dir", "c=/etc"}, "leads out"},
      {{"--cache-dir", "nothing"}, "is not NAME=PATH"},
      {{"--cache-dir", "c=."}, "cannot be the sandbox itself"},
      {{"--cache-dir", "c=out/c", "--output-dir", "out"}, "overlap"},
      {{"--cache-dir", "c=in", "--input", "in/x"}, "have something there"}};
  for (const auto& [options, message] : wrong) {
    Arguments arguments = {"exec"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {"--", "true"});
    const Outcome outcome = kiln(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << options[1];
    EXPECT_THAT(outcome.err, HasSubstr(message)) << options[1];
  }
}

TEST_F(Sandbox, TheSlotsOfProcessesThatRunAtOnceHaveDifferentNumbers) {
  environment()["KILN_JOBS"] = "3";
  ASSERT_EQ(kiln({"daemon", "restart"}).exit_code, 0);
  EXPECT_EQ(kiln({"exec", "--slot-variable", "SLOT", "--", "sh", "-c", "echo $SLOT"}).out, "1\n");
  // Each waits until all three have said their number.
  std::string batch;
  for (int i = 0; i < 3; ++i) {
    batch += nlohmann::json{{"argv",
                             {"/bin/sh", "-c",
                              "mkdir c/$SLOT; while [ ! -e c/1 ] || [ ! -e c/2 ] || "
                              "[ ! -e c/3 ]; do sleep .01; done; echo $SLOT"}},
                            {"env", {{"N", std::to_string(i)}, {"PATH", "/usr/bin:/bin"}}},
                            {"append_only_caches", {{"numbers", "c"}}},
                            {"execution_slot_variable", "SLOT"}}
                 .dump() +
             "\n";
  }
  const Outcome outcome = kiln({"exec", "--batch", "-"}, batch);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  for (const char* number : {"1", "2", "3"}) {
    EXPECT_THAT(outcome.out, HasSubstr("\"stdout\":\"" + std::string(number) + "\\n\""));
  }
  EXPECT_EQ(kiln({"exec", "--slot-variable", "A=B", "--", "true"}).exit_code, 2);
}

TEST_F(Sandbox, EqualCompilesOfTwoWorkspacesGiveTheSameBytes) {
  if (!fs::exists("/usr/bin/cc")) GTEST_SKIP() << "no C compiler";
  std::string first;
  for (const char* name : {"one", "another"}) {
    const fs::path root = temp_path() / name;
    write_file(root / "kiln.toml", "");
    write_file(root / "a.c", "const char* where(void) { return __FILE__; }\n");
    environment()["KILN_HOME"] = (temp_path() / ("home-of-" + std::string(name))).string();
    const Outcome outcome = kiln_in(root, {"exec", "--json", "--input", "a.c", "--output-file",
                                           "a.o", "--", "cc", "-g", "-c", "a.c"});
    const std::string digest = nlohmann::json::parse(outcome.out)["output_digest"];
    if (first.empty()) first = digest;
    EXPECT_EQ(digest, first) << "debug information names the directory";
    EXPECT_EQ(kiln({"daemon", "stop"}).exit_code, 0);
  }
}

}  // namespace
}  // namespace kiln::test
