// Ignore rules as git has them, wherever they are written: above the workspace, in linked work
// trees, in the user's configuration; and tracked files, which no rule hides.
#include <cstdlib>

#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::Contains;
using testing::ElementsAre;

const std::string& home() {
  static const test::TempDirectory directory;
  return directory.path();
}

class GitRules : public test::EngineFixture {
 protected:
  GitRules()
      : EngineFixture(0, {.git = {.config_files = {home() + "/.gitconfig"},
                                  .home = home(),
                                  .excludes_file = home() + "/ignore"},
                          .own_directories = {}}) {
    std::filesystem::remove_all(home() + "/.gitconfig");
    std::filesystem::remove_all(home() + "/ignore");
    rules_ = IgnoreRulesFor::kAll;
  }

  void git(const std::string& arguments, const std::string& directory = "") {
    const std::string command = "HOME=" + home() + " XDG_CONFIG_HOME=" + home() +
                                "/none GIT_CONFIG_NOSYSTEM=1 git -c user.name=n -c user.email=e@x "
                                "-C " +
                                disk_.path(directory) + " " + arguments;
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  static void write_home(const std::string& name, std::string_view content) {
    std::ofstream(home() + "/" + name, std::ios::trunc) << content;
  }
  // What globs select in a workspace that is a directory of this one.
  std::vector<std::string> captured_in(const std::string& root, const Globs& globs) {
    const auto query = make_glob_query(globs, "", false, rules_);
    watcher_->synchronize();
    const auto answer =
        sync_wait(home_, graph_->request(files_.glob(**workspaces_.open(disk_.path(root)), *query),
                                         RunId{1000 + ++runs_}, {}));
    EXPECT_TRUE(answer.ok()) << answer.error().to_string();
    return shown(*graph::value_as<GlobResult>(answer->value).tree);
  }
  uint64_t runs_ = 0;
};

TEST_F(GitRules, InfoExcludeCountsAlsoThroughLinks) {
  git("init -q .");
  write("f", "f");
  write("g", "g");
  write(".git/info/exclude", "g\n");
  EXPECT_THAT(captured({"?"}), ElementsAre("f=f"));
  write(".git/info/exclude", "f\n");
  EXPECT_THAT(captured({"?"}), ElementsAre("g=g"));
  remove(".git/info");
  EXPECT_THAT(captured({"?"}), ElementsAre("f=f", "g=g"));
  write_home("rules", "g\n");
  std::filesystem::create_directory(disk_.path(".git/info"));
  link(home() + "/rules", ".git/info/exclude");
  EXPECT_THAT(captured({"?"}), ElementsAre("f=f"));
  write_home("rules", "f\n");
  EXPECT_THAT(captured({"?"}), ElementsAre("g=g"));
}

TEST_F(GitRules, DirectoriesAboveTheWorkspaceCountUpToTheTop) {
  write(".gitignore", "above\n");
  write("top/.gitignore", "*.log\n/sub/gen.c\n/gen.c\n");
  write("top/mid/.gitignore", "!keep.log\n");
  for (const char* name : {"above", "x.log", "keep.log", "gen.c"}) {
    write("top/mid/sub/" + std::string(name), "");
    write("top/sub/" + std::string(name), "");
  }
  git("init -q .", "top");
  EXPECT_THAT(captured_in("top/sub", {"**"}), ElementsAre("above="));
  EXPECT_THAT(captured_in("top/mid/sub", {"**"}), ElementsAre("above=", "gen.c=", "keep.log="));
  write("top/.gitignore", "above\n");
  EXPECT_THAT(captured_in("top/mid/sub", {"**"}), ElementsAre("gen.c=", "keep.log=", "x.log="));
  remove("top/.git");  // then they are no repository's
  EXPECT_THAT(captured_in("top/mid/sub", {"**"}).size(), 4);
}

TEST_F(GitRules, AnotherRepositoryInsideHasItsOwn) {
  git("init -q .");
  write(".gitignore", "*.log\nvendor/\n");
  write("inner/x.log", "x");
  write("inner/y.tmp", "y");
  write("vendor/clone/z", "z");
  EXPECT_THAT(captured({"**", "!.gitignore"}), ElementsAre("inner/y.tmp=y"));
  git("init -q .", "inner");
  write("inner/.git/info/exclude", "*.tmp\n");
  git("init -q .", "vendor/clone");
  EXPECT_THAT(captured({"**", "!.gitignore"}), ElementsAre("inner/x.log=x"));
}

TEST_F(GitRules, TheGitDirectoryIsNeverAnInput) {
  git("init -q main");
  write("main/f", "f");
  git("add .", "main");
  git("commit -qm 1", "main");
  git("worktree add -q ../linked", "main");
  link("main/.git", "repository");
  link("main/.git/HEAD", "head");
  rules_ = IgnoreRulesFor::kNone;
  EXPECT_THAT(captured({"**", "main/.git/HEAD", "linked/.git"}),
              ElementsAre("linked/f=f", "main/f=f"));
}

TEST_F(GitRules, LinkedWorkTreesShareTheExcludesOfTheirRepository) {
  git("init -q main");
  write("main/f", "f");
  git("add .", "main");
  git("commit -qm 1", "main");
  git("worktree add -q ../linked", "main");
  write("linked/secret", "s");
  EXPECT_THAT(captured_in("linked", {"**"}), ElementsAre("f=f", "secret=s"));
  write("main/.git/info/exclude", "secret\n");
  EXPECT_THAT(captured_in("linked", {"**"}), ElementsAre("f=f"));
  EXPECT_EQ(captured_in("linked", {"**"}), captured_in("main", {"**"}));
}

TEST_F(GitRules, TrackedFilesAreNotIgnored) {
  git("init -q .");
  write(".gitignore", "*.log\nbuild/\n");
  write("data/keep.log", "k");
  write("data/other.log", "o");
  write("build/deep/kept", "k");
  write("build/deep/made", "m");
  const Globs globs = {"**", "!.gitignore"};
  EXPECT_THAT(captured(globs), ElementsAre("data/"));
  git("add -f data/keep.log build/deep/kept");
  EXPECT_THAT(captured(globs), ElementsAre("build/deep/kept=k", "data/keep.log=k"));
  EXPECT_THAT(captured({"data/*"}), ElementsAre("data/keep.log=k"));
  git("rm -q --cached data/keep.log");
  EXPECT_THAT(captured(globs), ElementsAre("build/deep/kept=k", "data/"));
  EXPECT_THAT(captured(globs, "build/\n"), ElementsAre("data/")) << "the option is not git's";
}

TEST_F(GitRules, AnEditOfTheIndexRunsOnlyWhatItConcerns) {
  git("init -q .");
  write(".gitignore", "*.o\n");
  write("a/x.o", "");
  write("b/y.c", "");
  settle();
  captured({"**"});
  settle();
  captured({"**"});
  git("add b/y.c");
  captured({"**"});
  settle();
  work();
  git("add -f a/x.o");
  EXPECT_THAT(captured({"**"}), Contains("a/x.o="));
  const test::Work after = work();
  EXPECT_EQ(after.listed, 0);
  EXPECT_EQ(after.read, 1) << "a/x.o alone";
}

TEST_F(GitRules, TheUsersExcludesCount) {
  git("init -q .");
  write("a.swp", "");
  write("b.bak", "");
  write("c", "");
  EXPECT_THAT(captured({"**"}), ElementsAre("a.swp=", "b.bak=", "c="));
  write_home("ignore", "*.swp\n");
  EXPECT_THAT(captured({"**"}), ElementsAre("b.bak=", "c="));
  write_home("mine", "*.bak\n");
  write_home(".gitconfig", "[core]\n  excludesFile = ~/mine\n");
  EXPECT_THAT(captured({"**"}), ElementsAre("a.swp=", "c="));
  write_home("more", "[core]\n  excludesFile =\n");
  write_home(".gitconfig", "[core]\n  excludesFile = ~/mine\n[includeIf \"gitdir:" + disk_.path() +
                               "/\"]\n  path = more\n");
  EXPECT_THAT(captured({"**"}), ElementsAre("a.swp=", "b.bak=", "c="));
  write_home("more", "[core]\n  excludesFile = ~/ignore\n");
  EXPECT_THAT(captured({"**"}), ElementsAre("b.bak=", "c="));
  git("config core.excludesFile " + home() + "/mine");
  EXPECT_THAT(captured({"**"}), ElementsAre("a.swp=", "c="));
  write(".git/info/exclude", "!b.bak\n");
  EXPECT_THAT(captured({"**"}), ElementsAre("a.swp=", "b.bak=", "c="));
}

TEST_F(GitRules, WithoutARepositoryTheyAreThoseOfTheWorkspaceAlone) {
  write_home("ignore", "*.swp\n");
  write(".gitignore", "x\n");
  write("sub/x", "");
  write("sub/a.swp", "");
  EXPECT_THAT(captured_in("sub", {"**"}), ElementsAre("a.swp=", "x="));
  EXPECT_THAT(captured({"sub/**"}), ElementsAre("sub/a.swp="));
}

class OwnDirectories : public test::EngineFixture {
 protected:
  OwnDirectories() : EngineFixture(0, {.git = {}, .own_directories = {place() + "/ws/cache"}}) {}
  static std::string place() {
    static const test::TempDirectory directory;
    return directory.path();
  }
};

TEST_F(OwnDirectories, AreNeverCaptured) {
  std::filesystem::create_directories(place() + "/ws/cache/store");
  std::ofstream(place() + "/ws/cache/store/blob") << "b";
  std::ofstream(place() + "/ws/f") << "f";
  std::filesystem::create_directory_symlink("cache", place() + "/ws/l");
  std::filesystem::create_directory_symlink("cache/store", place() + "/ws/m");
  rules_ = IgnoreRulesFor::kNone;
  const auto query =
      make_glob_query(Globs{"**", "cache/store/blob", "l/store/blob", "m/blob"}, "", false, rules_);
  watcher_->synchronize();
  const auto answer = sync_wait(
      home_,
      graph_->request(files_.glob(**workspaces_.open(place() + "/ws"), *query), RunId{77}, {}));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_THAT(shown(*graph::value_as<GlobResult>(answer->value).tree), ElementsAre("f=f"));
}

}  // namespace
}  // namespace kiln::intrinsics
