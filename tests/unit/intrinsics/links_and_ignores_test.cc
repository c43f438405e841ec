// Symlinks and ignore rules as captures see them.
#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Links : public test::EngineFixture {};

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
  EXPECT_THAT(captured({"build/out"}), IsEmpty());
}

TEST_F(Ignores, InfoExcludeOfTheRepositoryCounts) {
  write("f", "f");
  write("g", "g");
  write(".git/info/exclude", "g\n");
  EXPECT_THAT(captured({"?"}), ElementsAre("f=f"));
  write(".git/info/exclude", "f\n");
  EXPECT_THAT(captured({"?"}), ElementsAre("g=g"));
}

TEST_F(Ignores, TheOptionHidesWhatGitWouldShow) {
  write(".gitignore", "!dist/\n");
  write("dist/f", "f");
  EXPECT_THAT(captured({"dist/**"}, "/dist/\n"), IsEmpty());
  EXPECT_THAT(captured({"dist/**"}, ""), ElementsAre("dist/f=f"));
}

TEST_F(Ignores, TheReasonNamesTheRulesFileAndLine) {
  write(".gitignore", "# comment\n*.tmp\nbuild/\n");
  write("build/deep/f", "f");
  write("g", "g");
  const auto why = [&](const Globs& globs, std::string_view ignore, const std::string& glob) {
    const auto query = *make_glob_query(globs, ignore, false);
    const auto ask = [&](graph::Key key) -> Task<Result<graph::ValueRef>> {
      KILN_CO_ASSIGN(graph::Answer answer, co_await graph_->request(std::move(key), RunId{99}, {}));
      co_return std::move(answer.value);
    };
    return *sync_wait(home_, files_.explain_unmatched(ask, workspace_, *query, glob));
  };
  EXPECT_EQ(why({"build/deep/f"}, "", "build/deep/f"),
            "build exists but is hidden by line 3 of .gitignore (build/)");
  EXPECT_THAT(why({"g"}, "g\n", "g"), HasSubstr("line 1 of the option ignore"));
  EXPECT_EQ(why({"g", "!g"}, "", "g"), "g exists but is excluded by a '!' glob");
  EXPECT_EQ(why({"none"}, "", "none"), "");
  EXPECT_EQ(why({"b*"}, "", "b*"), "") << "wildcards are not explained";
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
  EXPECT_FALSE(hash({"ab"}, "", false) == hash({"a", "b"}, "", false));
  EXPECT_FALSE(hash({"a", "!b"}, "", false) == hash({"a", "b"}, "", false));
}

}  // namespace
}  // namespace kiln::intrinsics
