// Outputs that come back into the workspace: no work is lost, modes stay, and make and ninja, which
// look at times, come to rest.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <sstream>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WriteBack : public KilnTest {
 protected:
  unsigned mode_of(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::stat((workspace() / path).c_str(), &st), 0) << path;
    return st.st_mode & 0777;
  }
  // A shell in the workspace, with kiln in its PATH.
  Outcome shell(const std::string& script) {
    auto env = environment();
    env["PATH"] = client().parent_path().string() + ":" + env["PATH"];
    return run({"/bin/sh", "-c", script}, {env, workspace().string(), ""});
  }
  void set_age(const std::string& path, int seconds) {
    timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    const timespec then = {now.tv_sec - seconds, now.tv_nsec};
    const std::array<timespec, 2> times = {then, then};
    ASSERT_EQ(::utimensat(AT_FDCWD, (workspace() / path).c_str(), times.data(), 0), 0);
  }
};

TEST_F(WriteBack, AnEditThatIsMadeWhileTheProcessRunsIsKept) {
  write("text", "v0");
  const std::string gate = (temp_path() / "gate").string();
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  Command command = start({"exec", "--input", "text", "--output-file", "text", "--write", "--",
                           "sh", "-c", "echo runs; cat " + gate + " >/dev/null; echo v1 >text"});
  ASSERT_TRUE(command.read_until("runs"));
  write("text", "an hour of work");
  write_file(gate, "go");
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 125);
  EXPECT_EQ(read("text"), "an hour of work");
  ASSERT_THAT(outcome.err, HasSubstr("changed the file after it was read:\n  text\n"));
  // What was to be written is not lost either.
  const std::string stored = "is stored as ";
  const size_t begin = outcome.err.find(stored) + stored.size();
  const std::string digest = outcome.err.substr(begin, outcome.err.find(';', begin) - begin);
  EXPECT_EQ(kiln({"digest", "cat", digest, "text"}).out, "v1\n");
}

TEST_F(WriteBack, AnEditInOneProcessOfABatchIsKeptAndTheOthersAreWritten) {
  write("text", "v0");
  write("other", "v0");
  const std::string gate = (temp_path() / "gate").string();
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  const auto line = [](const std::string& id, const std::string& file, const std::string& script) {
    return nlohmann::json{{"id", id},
                          {"argv", {"/bin/sh", "-c", script}},
                          {"input_globs", {file}},
                          {"output_files", {file}}}
               .dump() +
           "\n";
  };
  Command command = start({"exec", "--write", "--batch", "-"},
                          line("a", "text", "cat " + gate + " >/dev/null; echo v1 >text") +
                              line("b", "other", "echo v1 >other"));
  ASSERT_TRUE(command.read_until("\"id\":\"b\""));
  write("text", "an hour of work");
  write_file(gate, "go");
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("changed the file after it was read"));
  EXPECT_EQ(read("text"), "an hour of work");
  EXPECT_EQ(read("other"), "v1\n");
}

TEST_F(WriteBack, AFailedProcessWritesNothingUnlessAsked) {
  write("app", "good");
  const Arguments command = {"--output-file", "app", "--", "sh", "-c", "echo half >app; exit 3"};
  const auto exec = [&](const std::string& option) {
    Arguments arguments = {"exec", option};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return kiln(arguments).exit_code;
  };
  EXPECT_EQ(exec("--write"), 3);
  EXPECT_EQ(read("app"), "good");
  EXPECT_EQ(exec("--write=always"), 3);
  EXPECT_EQ(read("app"), "half\n");
}

TEST_F(WriteBack, AProcessThatTimedOutWritesNothing) {
  write("app", "good");
  EXPECT_EQ(kiln({"exec", "--write", "--timeout", "0.3", "--output-file", "app", "--", "sh", "-c",
                  "echo half >app; sleep 60"})
                .exit_code,
            124);
  EXPECT_EQ(read("app"), "good");
}

TEST_F(WriteBack, ModesAreKeptAndNewFilesObeyTheUmaskOfTheClient) {
  write("private", "old");
  fs::permissions(workspace() / "private", fs::perms(0600));
  // The daemon has another umask.
  ASSERT_EQ(shell("umask 022; kiln daemon start").exit_code, 0);
  ASSERT_EQ(shell("umask 077; kiln exec --input private --output-file private --output-file d/new"
                  " --write -- sh -c 'echo new >private; cp private d/new; chmod +x d/new'")
                .exit_code,
            0);
  EXPECT_EQ(read("private"), "new\n");
  EXPECT_EQ(mode_of("private"), 0600u);
  EXPECT_EQ(mode_of("d/new"), 0700u);
  EXPECT_EQ(mode_of("d"), 0700u);
}

TEST_F(WriteBack, ASymlinkThatWasReadStaysOne) {
  write("real/text", "v0");
  fs::create_symlink("real/text", workspace() / "text");
  ASSERT_EQ(kiln({"exec", "--input", "text", "--output-file", "text", "--write", "--", "sh", "-c",
                  "echo v1 >text"})
                .exit_code,
            0);
  EXPECT_TRUE(fs::is_symlink(workspace() / "text"));
  EXPECT_EQ(read("real/text"), "v1\n");
}

TEST_F(WriteBack, OutputsGoWhereTheProcessMadeThem) {
  write("sub/in", "in");
  const Arguments command = {"exec", "--input", "in", "--output-file", "out", "--write", "--",
                             "cp",   "in",      "out"};
  ASSERT_EQ(kiln_in("sub", command).exit_code, 0);
  EXPECT_EQ(read("sub/out"), "in");
  ASSERT_EQ(kiln({"exec", "--input", "sub/in", "--workdir", "sub", "--output-file", "copy",
                  "--write", "--", "cp", "in", "copy"})
                .exit_code,
            0);
  EXPECT_EQ(read("sub/copy"), "in");
}

TEST_F(WriteBack, MakeComesToRest) {
  write("a.c", "1\n");
  write(
      "Makefile",
      "a.o: a.c\n\t@echo recipe; kiln exec --input a.c --output-file a.o --write -- cp a.c a.o\n");
  EXPECT_EQ(shell("make").out, "recipe\n");
  EXPECT_THAT(shell("make").out, HasSubstr("up to date"));
  // The same content, newer: kiln answers from memory.
  set_age("a.o", 100);
  set_age("a.c", 50);
  EXPECT_EQ(shell("make").out, "recipe\n");
  EXPECT_THAT(shell("make").out, HasSubstr("up to date"));
  write("a.c", "2\n");
  EXPECT_EQ(shell("make").out, "recipe\n");
  EXPECT_EQ(read("a.o"), "2\n");
  EXPECT_THAT(shell("make").out, HasSubstr("up to date"));
  EXPECT_EQ(counter("process.ran"), 2);
}

TEST_F(WriteBack, MakeBuildsAgainWhatWasEditedWhileItWasBuilt) {
  write("a.c", "1\n");
  const std::string gate = (temp_path() / "gate").string();
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  write("Makefile",
        "a.o: a.c\n\t@kiln exec --input a.c --output-file a.o --write -- sh -c 'echo "
        "runs; cat " +
            gate + " >/dev/null; cp a.c a.o'\n");
  auto env = environment();
  env["PATH"] = client().parent_path().string() + ":" + env["PATH"];
  Command make({"/usr/bin/make"}, {env, workspace().string(), ""});
  ASSERT_TRUE(make.read_until("runs"));
  write("a.c", "2\n");
  write_file(gate, "go");
  ASSERT_EQ(make.wait().exit_code, 0);
  ASSERT_EQ(read("a.o"), "1\n");
  Command again({"/usr/bin/make"}, {env, workspace().string(), ""});
  ASSERT_TRUE(again.read_until("runs"));
  write_file(gate, "go");
  ASSERT_EQ(again.wait().exit_code, 0);
  EXPECT_EQ(read("a.o"), "2\n");
}

// What stands in the page about make and ninja below a heading, as a file.
std::string documented(const std::string& heading) {
  std::istringstream page(slurp(fs::path(KILN_SOURCE_DIR) / "docs/make-and-ninja.md"));
  std::string text;
  bool below = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) below = line == heading;
    if (below && line.starts_with("    ")) text += line.substr(4);
    if (below && (line.empty() || line.starts_with("    "))) text += "\n";
  }
  return text;
}

TEST_F(WriteBack, TheRulesOfTheDocumentationBuildAndComeToRest) {
  write("include/util.h", "int twice(int x);\n");
  write("main.c", "#include \"util.h\"\nint main(void) { return twice(21) - 42; }\n");
  write("util.c", "#include \"util.h\"\nint twice(int x) { return 2 * x; }\n");
  write("Makefile", documented("## make"));
  write("build.ninja", documented("## ninja"));
  const Outcome made = shell("make app");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(shell("./app").exit_code, 0);
  EXPECT_THAT(shell("make app").out, HasSubstr("up to date"));
  const int64_t ran = counter("process.ran");
  EXPECT_EQ(shell("rm *.o app && ninja").exit_code, 0);
  EXPECT_EQ(shell("./app").exit_code, 0);
  EXPECT_THAT(shell("ninja").out, HasSubstr("no work to do"));
  EXPECT_EQ(counter("process.ran"), ran) << "kiln knows it all from make";
  // Everything looks out of date, and nothing is compiled.
  set_age("include/util.h", 0);
  EXPECT_THAT(shell("ninja").out, HasSubstr("[1/3]"));
  EXPECT_EQ(counter("process.ran"), ran);
  EXPECT_THAT(shell("ninja; make app").out,
              testing::AllOf(HasSubstr("no work to do"), HasSubstr("up to date")));
}

TEST_F(WriteBack, NinjaComesToRest) {
  write("a.c", "1\n");
  write("build.ninja",
        "rule kiln_cp\n"
        "  command = kiln exec --input $in --output-file $out --write -- cp $in $out\n"
        "  restat = 1\n"
        "build a.o: kiln_cp a.c\n"
        "build app: kiln_cp a.o\n");
  EXPECT_THAT(shell("ninja").out, HasSubstr("[2/2]"));
  EXPECT_THAT(shell("ninja").out, HasSubstr("no work to do"));
  set_age("a.c", 0);  // the same content, newer
  EXPECT_THAT(shell("ninja").out, HasSubstr("[1/"));
  EXPECT_THAT(shell("ninja").out, HasSubstr("no work to do"));
  write("a.c", "2\n");
  EXPECT_THAT(shell("ninja").out, HasSubstr("[2/2]"));
  EXPECT_EQ(read("app"), "2\n");
  EXPECT_THAT(shell("ninja").out, HasSubstr("no work to do"));
}

}  // namespace
}  // namespace kiln::test
