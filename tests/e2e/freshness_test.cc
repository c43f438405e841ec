// What ran, and why: the promise of freshness, seen from the command line.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

class Freshness : public KilnTest {
 protected:
  Freshness() {
    write("src/a.txt", "alpha\n");
    write("src/b.txt", "beta\n");
    write("other/c.txt", "gamma\n");
  }
  std::string source() { return source_of({"--input", "src/**"}, "cat src/*.txt | sort"); }
  std::string output() {
    return exec_json({"--input", "src/**"}, "cat src/*.txt | sort").value("stdout", "");
  }
};

TEST_F(Freshness, RepeatingIsMemoized) {
  EXPECT_EQ(source(), "ran");
  EXPECT_EQ(source(), "memoized");
  EXPECT_EQ(counter("process.ran"), 1);
}

TEST_F(Freshness, EditingAnInputRunsAndUndoingItIsMemoized) {
  EXPECT_EQ(source(), "ran");
  write("src/a.txt", "edited\n");
  EXPECT_EQ(source(), "ran");
  EXPECT_EQ(output(), "beta\nedited\n");
  write("src/a.txt", "alpha\n");
  EXPECT_EQ(source(), "memoized");
  EXPECT_EQ(output(), "alpha\nbeta\n");
  EXPECT_EQ(counter("process.ran"), 2);
}

TEST_F(Freshness, ARestartedDaemonHitsTheStore) {
  EXPECT_EQ(source(), "ran");
  EXPECT_EQ(kiln({"daemon", "restart"}).exit_code, 0);
  EXPECT_EQ(source(), "hit_locally");
  EXPECT_EQ(source(), "memoized");
  EXPECT_EQ(counter("process.ran"), 0);
}

TEST_F(Freshness, ADaemonKilledAtOnceHitsTheStoreToo) {
  EXPECT_EQ(source(), "ran");
  ::kill(static_cast<pid_t>(daemon_pid()), SIGKILL);
  EXPECT_EQ(source(), "hit_locally");
}

TEST_F(Freshness, TouchingWithoutChangeIsMemoizedAndReadsOneFile) {
  EXPECT_EQ(source(), "ran");
  const int64_t looked_at = counter("fs.files_statted");
  fs::last_write_time(workspace() / "src/a.txt", fs::file_time_type::clock::now());
  EXPECT_EQ(source(), "memoized");
  EXPECT_EQ(counter("fs.files_statted"), looked_at + 1);
}

TEST_F(Freshness, AFileThatNoGlobMatchesReadsNothing) {
  EXPECT_EQ(source(), "ran");
  const int64_t looked_at = counter("fs.files_statted");
  const int64_t listed = counter("fs.directories_listed");
  write("other/c.txt", "edited\n");
  write("other/d.txt", "new\n");
  EXPECT_EQ(source(), "memoized");
  EXPECT_EQ(counter("fs.files_statted"), looked_at);
  EXPECT_EQ(counter("fs.directories_listed"), listed);
}

TEST_F(Freshness, AWarmRepetitionReadsNothing) {
  EXPECT_EQ(source(), "ran");
  const int64_t looked_at = counter("fs.files_statted");
  const int64_t listed = counter("fs.directories_listed");
  const int64_t ran = counter("memo.ran");
  EXPECT_EQ(source(), "memoized");
  EXPECT_EQ(counter("fs.files_statted"), looked_at);
  EXPECT_EQ(counter("fs.directories_listed"), listed);
  EXPECT_EQ(counter("memo.ran"), ran);
}

TEST_F(Freshness, NewAndDeletedFilesCount) {
  EXPECT_EQ(source(), "ran");
  write("src/new.txt", "delta\n");
  EXPECT_EQ(output(), "alpha\nbeta\ndelta\n");
  fs::remove(workspace() / "src/new.txt");
  EXPECT_EQ(source(), "memoized");
  EXPECT_EQ(output(), "alpha\nbeta\n");
  fs::remove(workspace() / "src/b.txt");
  EXPECT_EQ(output(), "alpha\n");
}

TEST_F(Freshness, RenamesCount) {
  const auto listing = [&] { return exec_json({"--input", "src/**"}, "ls src"); };
  EXPECT_EQ(listing().value("stdout", ""), "a.txt\nb.txt\n");
  fs::rename(workspace() / "src/a.txt", workspace() / "src/z.txt");
  const auto renamed = listing();
  EXPECT_EQ(renamed.value("stdout", ""), "b.txt\nz.txt\n");
  EXPECT_EQ(renamed.value("source", ""), "ran");
  fs::rename(workspace() / "src/z.txt", workspace() / "src/a.txt");
  const auto undone = listing();
  EXPECT_EQ(undone.value("stdout", ""), "a.txt\nb.txt\n");
  EXPECT_EQ(undone.value("source", ""), "memoized");
}

TEST_F(Freshness, NewDirectoriesWithFilesInThemCount) {
  EXPECT_EQ(source(), "ran");
  write("src/deep/er/x.txt", "x\n");
  EXPECT_EQ(exec_json({"--input", "src/**"}, "cat src/deep/er/x.txt").value("stdout", ""), "x\n");
  write("src/deep/er/x.txt", "y\n");
  EXPECT_EQ(exec_json({"--input", "src/**"}, "cat src/deep/er/x.txt").value("stdout", ""), "y\n");
  fs::remove_all(workspace() / "src/deep");
  EXPECT_EQ(source(), "memoized");
}

TEST_F(Freshness, ADirectoryMovedIntoThePlaceOfAnotherCounts) {
  write("next/a.txt", "moved\n");
  EXPECT_EQ(output(), "alpha\nbeta\n");
  EXPECT_EQ(kiln({"digest", "capture", "next/**"}).exit_code, 0);
  fs::rename(workspace() / "src", workspace() / "previous");
  fs::rename(workspace() / "next", workspace() / "src");
  EXPECT_EQ(output(), "moved\n");
  write("src/a.txt", "moved and edited\n");
  EXPECT_EQ(output(), "moved and edited\n");
  write("previous/a.txt", "of no interest\n");
  EXPECT_EQ(source(), "memoized");
}

TEST_F(Freshness, ModesCount) {
  const auto mode = [&] {
    return exec_json({"--input", "src/**"}, "test -x src/a.txt && echo x || echo -")
        .value("stdout", "");
  };
  EXPECT_EQ(mode(), "-\n");
  ::chmod((workspace() / "src/a.txt").c_str(), 0755);
  EXPECT_EQ(mode(), "x\n");
  ::chmod((workspace() / "src/a.txt").c_str(), 0644);
  EXPECT_EQ(source_of({"--input", "src/**"}, "test -x src/a.txt && echo x || echo -"), "memoized");
}

TEST_F(Freshness, SymlinksCount) {
  write("target/one.txt", "one\n");
  write("target/two.txt", "two\n");
  fs::create_symlink("../target/one.txt", workspace() / "src/link.txt");
  const auto content = [&] {
    return exec_json({"--input", "src/link.txt"}, "cat src/link.txt").value("stdout", "");
  };
  EXPECT_EQ(content(), "one\n");
  write("target/one.txt", "one, edited\n");
  EXPECT_EQ(content(), "one, edited\n");
  fs::remove(workspace() / "src/link.txt");
  fs::create_symlink("../target/two.txt", workspace() / "src/link.txt");
  EXPECT_EQ(content(), "two\n");
}

TEST_F(Freshness, AWriteThatFinishedBeforeIsAlwaysSeen) {
  for (int i = 0; i < 100; ++i) {
    const std::string text = "round " + std::to_string(i) + "\n";
    write("src/a.txt", text);
    const Outcome outcome = kiln({"digest", "capture", "src/a.txt"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const std::string digest = outcome.out.substr(0, outcome.out.find('\n'));
    ASSERT_EQ(kiln({"digest", "cat", digest, "src/a.txt"}).out, text);
  }
}

TEST_F(Freshness, TwoWorkspacesShareResults) {
  const fs::path other = workspace().parent_path() / "elsewhere";
  write_file(other / "src/a.txt", "alpha\n");
  write_file(other / "src/b.txt", "beta\n");
  EXPECT_EQ(source(), "ran");
  const auto document = kiln_json({"exec", "--json", "--root", other.string(), "--input", "src/**",
                                   "--", "sh", "-c", "cat src/*.txt | sort"});
  EXPECT_EQ(document.value("source", ""), "memoized");
}

TEST_F(Freshness, GitignoreHidesAndEditingItShows) {
  write(".gitignore", "*.log\n");
  write("src/x.log", "log\n");
  EXPECT_EQ(kiln({"paths", "src/**"}).out, "src/a.txt\nsrc/b.txt\n");
  write(".gitignore", "");
  EXPECT_EQ(kiln({"paths", "src/**"}).out, "src/a.txt\nsrc/b.txt\nsrc/x.log\n");
  write("src/.gitignore", "x*\n");
  EXPECT_EQ(kiln({"paths", "src/**"}).out, "src/.gitignore\nsrc/a.txt\nsrc/b.txt\n");
}

TEST_F(Freshness, BeyondTheWatchLimitEverythingIsStillFresh) {
  environment()["KILN_MAX_WATCHES"] = "1";
  EXPECT_EQ(source(), "ran");
  EXPECT_EQ(source(), "memoized");
  write("src/a.txt", "edited\n");
  EXPECT_EQ(output(), "beta\nedited\n");
  write("src/new.txt", "new\n");
  EXPECT_EQ(output(), "beta\nedited\nnew\n");
}

// A tool of the host, found through a link as Debian's alternatives are.
class FreshTools : public KilnTest {
 protected:
  FreshTools() {
    tool("shout", "echo one");
    fs::create_directory(temp_path() / "bin");
    fs::create_symlink(temp_path() / "lib/shout", temp_path() / "bin/cry");
  }
  void tool(const std::string& name, const std::string& script) {
    write_file(temp_path() / "lib" / name, "#!/bin/sh\n" + script + "\n");
    ::chmod((temp_path() / "lib" / name).c_str(), 0755);
  }
  // "ran: one"
  std::string cry() {
    const std::string bin = (temp_path() / "bin").string();
    const auto document =
        kiln_json({"exec", "--json", "--env", "PATH=" + bin + ".first:" + bin + ":/usr/bin:/bin",
                   "--", "cry"});
    const std::string out = document.value("stdout", "");
    return document.value("source", "") + ": " + out.substr(0, out.find('\n'));
  }
};

TEST_F(FreshTools, AReplacedToolRunsAndTheOldOneIsRemembered) {
  EXPECT_EQ(cry(), "ran: one");
  EXPECT_EQ(cry(), "memoized: one");
  tool("next", "echo two");
  fs::rename(temp_path() / "lib/next", temp_path() / "lib/shout");
  EXPECT_EQ(cry(), "ran: two");
  tool("shout", "echo one");
  EXPECT_EQ(cry(), "memoized: one");
}

TEST_F(FreshTools, ASwitchedLinkAndAnEarlierPlaceInPathAreSeen) {
  EXPECT_EQ(cry(), "ran: one");
  tool("yell", "echo two");
  fs::create_symlink(temp_path() / "lib/yell", temp_path() / "bin/cry.tmp");
  fs::rename(temp_path() / "bin/cry.tmp", temp_path() / "bin/cry");
  EXPECT_EQ(cry(), "ran: two");
  fs::create_directory(temp_path() / "bin.first");
  EXPECT_EQ(cry(), "memoized: two");
  fs::create_symlink(temp_path() / "lib/shout", temp_path() / "bin.first/cry");
  EXPECT_EQ(cry(), "ran: one") << "the path it is started by is in the key";
}

TEST_F(FreshTools, WhatDoesNotChangeTheToolIsMemoizedAndNothingIsHashed) {
  EXPECT_EQ(cry(), "ran: one");
  const auto counted = [&] {
    return std::vector{counter("fs.tools_hashed"), counter("fs.files_statted"),
                       counter("memo.ran")};
  };
  const auto before = counted();
  tool("another", "echo three");
  write_file(temp_path() / "bin/data", "x");
  EXPECT_EQ(cry(), "memoized: one");
  EXPECT_EQ(counted(), before);
}

TEST_F(FreshTools, ATouchedToolIsMemoized) {
  EXPECT_EQ(cry(), "ran: one");
  fs::last_write_time(temp_path() / "lib/shout", fs::file_time_type::clock::now());
  EXPECT_EQ(cry(), "memoized: one");
}

TEST_F(FreshTools, TheHostIsNoWorkspace) {
  EXPECT_EQ(cry(), "ran: one");
  const auto status = kiln_json({"daemon", "status", "--json"});
  for (const auto& workspace : status.at("workspaces")) EXPECT_NE(workspace, "/");
}

}  // namespace
}  // namespace kiln::test
