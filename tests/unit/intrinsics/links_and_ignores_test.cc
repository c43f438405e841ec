// Symlinks and ignore rules as captures see them.
#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Links : public test::EngineFixture {
 protected:
  static std::vector<std::string> names(const store::Tree& tree) {
    std::vector<std::string> found;
    walk(tree, RelPath(), [&found](const RelPath& path, const store::Node& node) {
      if (!std::holds_alternative<store::TreePtr>(node)) found.push_back(path.str());
      return true;
    });
    return found;
  }
};

TEST_F(Links, AFilesContentStandsAtTheLinksPath) {
  write("real/f", "content");
  link("real/f", "l");
  EXPECT_THAT(captured({"l"}), ElementsAre("l=content"));
  write("real/f", "edited");
  EXPECT_THAT(captured({"l"}), ElementsAre("l=edited"));
}

TEST_F(Links, ADirectorysContentStandsAtTheLinksPath) {
  write("real/deep/f", "content");
  link("../real", "links/dir");
  EXPECT_THAT(captured({"links/**"}), ElementsAre("links/dir/deep/f=content"));
  EXPECT_THAT(captured({"links/dir/deep/*"}), ElementsAre("links/dir/deep/f=content"));
  write("real/deep/g", "new");
  EXPECT_THAT(captured({"links/**"}),
              ElementsAre("links/dir/deep/f=content", "links/dir/deep/g=new"));
}

TEST_F(Links, RetargetingIsSeen) {
  write("a/f", "a");
  write("b/f", "b");
  link("a", "current");
  EXPECT_THAT(captured({"current/f"}), ElementsAre("current/f=a"));
  remove("current");
  link("b", "current");
  EXPECT_THAT(captured({"current/f"}), ElementsAre("current/f=b"));
}

TEST_F(Links, DeadLinksAreLeftOutUntilTheyLive) {
  link("nowhere", "dead");
  EXPECT_THAT(captured({"**"}), IsEmpty());
  EXPECT_THAT(capture({"dead"}).unmatched, ElementsAre("dead"));
  write("nowhere", "somewhere");
  EXPECT_THAT(captured({"dead"}), ElementsAre("dead=somewhere"));
}

TEST_F(Links, LinksOutOfTheWorkspaceAreLeftOutAndReported) {
  write("f", "f");
  link("/etc/passwd", "absolute");
  link("../../etc/passwd", "d/escaping");
  const test::Capture found = capture({"**"});
  EXPECT_THAT(shown(*found.tree), ElementsAre("d/", "f=f"));
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("absolute"), HasSubstr("d/escaping")));
}

TEST_F(Links, DotDotIsTakenPhysically) {
  write("x/f", "x");
  write("a/b/c/keep", "k");
  write("a/b/f", "a/b");
  link("a/b/c", "to");         // /to/.. is a/b, not the root
  link("to/../f", "through");  // so this is a/b/f
  EXPECT_THAT(captured({"through"}), ElementsAre("through=a/b"));
}

TEST_F(Links, ALoopIsAnErrorThatNamesTheLink) {
  link("b", "a");
  link("a", "b");
  const auto refused = try_capture({"**"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("leads to itself"));
}

TEST_F(Links, ALinkToAParentIsAnErrorOnlyWhereTheGlobWouldNeverEnd) {
  write("d/f", "f");
  link("..", "d/up");
  const auto refused = try_capture({"**"});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("never end"));
  EXPECT_THAT(captured({"d/up/d/f"}), ElementsAre("d/up/d/f=f"));
  EXPECT_THAT(captured({"**", "!d/up"}), ElementsAre("d/f=f"));
}

TEST_F(Links, FortyInARowAreFollowedAsTheKernelDoes) {
  write("l0", "end");
  for (int i = 1; i <= 41; ++i) {
    link("l" + std::to_string(i - 1), "l" + std::to_string(i));
  }
  ASSERT_TRUE(read_file(disk_.path("l40")).ok());
  ASSERT_FALSE(read_file(disk_.path("l41")).ok());
  EXPECT_THAT(captured({"l40"}), ElementsAre("l40=end"));
  EXPECT_FALSE(try_capture({"l41"}).ok());
}

// As a workspace of npm: each package has links to all others.
TEST_F(Links, PackagesThatLinkEachOtherAreWalkedOnce) {
  constexpr int kPackages = 12;
  for (int i = 0; i < kPackages; ++i) {
    const std::string package = "p" + std::to_string(i);
    write(package + "/index.js", package);
    for (int j = 0; j < kPackages; ++j) {
      if (i != j) link("../../p" + std::to_string(j), package + "/deps/p" + std::to_string(j));
    }
  }
  work();
  const auto refused = try_capture({"**"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("p0/deps/p1"));
  EXPECT_LE(work().listed, 2 * kPackages + 3);
  EXPECT_EQ(captured({"**/index.js", "!deps"}).size(), kPackages);
  EXPECT_EQ(captured({"*/index.js", "*/deps/*/index.js"}).size(), kPackages * kPackages);
}

TEST_F(Links, NamesAreListedOnceAroundACircle) {
  names_only_ = true;
  write("p/index", "");
  write("q/index", "");
  link("../q", "p/q");
  link("../p", "q/p");
  link("..", "up/root");
  const test::Capture found = capture({"p/**", "q/**"});
  EXPECT_THAT(names(*found.tree), ElementsAre("p/index", "p/q/index", "q/index", "q/p/index"));
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("left out p/q/p"), HasSubstr("left out q/p/q")));
  EXPECT_THAT(names(*capture({"up/root/p/index"}).tree), ElementsAre("up/root/p/index"));
}

TEST_F(Links, ChainsThatMultiplyAreSharedUpToALimit) {
  // Each level has two links to the next: 2^n ways, n directories.
  write("d0/f", "f");
  for (int i = 1; i <= 40; ++i) {
    for (const char* side : {"l", "r"}) {
      link("../d" + std::to_string(i - 1), "d" + std::to_string(i) + "/" + side);
    }
  }
  EXPECT_EQ(captured({"d8/**"}).size(), 256U);
  const auto refused = try_capture({"d40/**"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(refused.error().message(), HasSubstr("more than 4000000"));
}

TEST_F(Links, ExcludesArePathsAsTheGlobsSeeThem) {
  write("real/keep", "k");
  write("real/skip", "s");
  link("real", "a");
  link("real", "b");
  EXPECT_THAT(captured({"?/**", "!/a/skip"}), ElementsAre("a/keep=k", "b/keep=k", "b/skip=s"));
}

class Ignores : public test::EngineFixture {};

TEST_F(Ignores, NestedFilesOverrideTheirParents) {
  write(".gitignore", "*.log\n/top\n");
  write("a/.gitignore", "!keep.log\nsecret\n");
  for (const char* path :
       {"x.log", "top", "a/keep.log", "a/x.log", "a/secret", "a/b/secret", "a/top", "secret"}) {
    write(path, "");
  }
  EXPECT_THAT(captured({"**", "!**/.gitignore"}),
              ElementsAre("a/b/", "a/keep.log=", "a/top=", "secret="));
}

TEST_F(Ignores, EditingTheRulesShowsAndHides) {
  write("build/out", "o");
  write(".gitignore", "build/\n");
  EXPECT_THAT(captured({"build/**"}), IsEmpty());
  write(".gitignore", "");
  EXPECT_THAT(captured({"build/**"}), ElementsAre("build/out=o"));
  write("build/.gitignore", "out\n");
  EXPECT_THAT(captured({"build/o*"}), IsEmpty());
}

TEST_F(Ignores, TheOptionHidesWhatGitWouldShow) {
  write(".gitignore", "!dist/\n");
  write("dist/f", "f");
  EXPECT_THAT(captured({"dist/**"}, "/dist/\n"), IsEmpty());
  EXPECT_THAT(captured({"dist/**"}, ""), ElementsAre("dist/f=f"));
}

TEST_F(Ignores, TheReasonNamesTheRulesFileAndLine) {
  rules_ = IgnoreRulesFor::kAll;
  write(".gitignore", "# comment\n*.tmp\nbuild/\n");
  write("build/deep/f", "f");
  write("g", "g");
  EXPECT_THAT(capture({"build/deep/f"}).why,
              ElementsAre("build exists but is hidden by line 3 of .gitignore (build/)"));
  EXPECT_THAT(capture({"build/**/*"}).why,
              ElementsAre("build exists but is hidden by line 3 of .gitignore (build/)"));
  EXPECT_THAT(capture({"g"}, "g\n").why, ElementsAre(HasSubstr("line 1 of the option ignore")));
  EXPECT_THAT(capture({"g", "!g"}).why, ElementsAre("g exists but is excluded by a '!' glob"));
  EXPECT_THAT(capture({"none"}).why, IsEmpty());
  EXPECT_THAT(capture({"**"}).why, IsEmpty()) << "it matched something";
}

TEST_F(Ignores, WhatIsNamedWithoutWildcardsIsMeant) {
  write(".gitignore", "*.o\nout/\n");
  for (const char* path : {"main.o", "out/b.o", "out/deep/c.o", "out/x", ".github/ci.sh"}) {
    write(path, "");
  }
  EXPECT_THAT(captured({"main.o", "out/deep/c.o"}), ElementsAre("main.o=", "out/deep/c.o="));
  EXPECT_THAT(captured({".github/ci.sh"}, ".*/\n"), ElementsAre(".github/ci.sh="));
  EXPECT_THAT(captured({"*.o", "out/*", "out/**", ".github/*"}, ".*/\n"), IsEmpty());
  EXPECT_THAT(captured({"out/**", "out/x"}), ElementsAre("out/x="));
  EXPECT_THAT(captured({"main.o", "!main.o"}), IsEmpty()) << "an exclude is the caller's own word";
}

TEST_F(Ignores, CanBeLifted) {
  write(".gitignore", "*.o\nout/\n");
  write("main.o", "");
  write("out/.gitignore", "*");
  write("out/b.o", "");
  rules_ = IgnoreRulesFor::kNone;
  EXPECT_THAT(captured({"**/*.o"}, "out/\n"), ElementsAre("main.o=", "out/b.o="));
}

TEST_F(Ignores, WhatARuleHidesStaysHiddenBehindALink) {
  write(".gitignore", "build/\n*.log\n");
  write("build/sub/y", "y");
  write("x.log", "x");
  write("opt/z", "z");
  link("build", "cur");
  link("build/sub", "deep");
  link("build/sub/y", "file");
  link("x.log", "log.txt");
  link("opt", "option");
  EXPECT_THAT(captured({"**", "!.gitignore"}, "/opt/\n"), IsEmpty());
  EXPECT_THAT(captured({"cur/sub/y"}), ElementsAre("cur/sub/y=y")) << "named";
  rules_ = IgnoreRulesFor::kNone;
  EXPECT_THAT(captured({"deep/**", "log.txt"}), ElementsAre("deep/y=y", "log.txt=x"));
}

TEST(GlobQueryHash, TheOrderAndRepetitionOfGlobsAreIrrelevant) {
  const auto hash = [](std::vector<std::string> globs, std::string_view ignore, bool names) {
    return (*make_glob_query(globs, ignore, names))->hash;
  };
  const Hash128 one = hash({"a", "b", "!c"}, "i\n", false);
  EXPECT_EQ(one, hash({"!c", "b", "a", "b"}, "i\n", false));
  EXPECT_FALSE(one == hash({"a", "b", "c"}, "i\n", false));
  EXPECT_FALSE(one == hash({"a", "b"}, "i\n", false));
  EXPECT_FALSE(one == hash({"a", "b", "!c"}, "", false));
  EXPECT_FALSE(one == hash({"a", "b", "!c"}, "i\n", true));
  EXPECT_FALSE(
      (*make_glob_query(std::vector<std::string>{"a"}, "", true, IgnoreRulesFor::kAll))->hash ==
      hash({"a"}, "", true));
  EXPECT_FALSE(hash({"ab"}, "", false) == hash({"a", "b"}, "", false));
  EXPECT_FALSE(hash({"a", "!b"}, "", false) == hash({"a", "b"}, "", false));
}

}  // namespace
}  // namespace kiln::intrinsics
