// Globs of callers: the behaviours when nothing matches, and what the message says.
#include "tests/unit/session/session_fixture.h"

namespace kiln::session {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CapturesTest : public SessionFixture {
 protected:
  Result<Captured> capture(PathGlobs globs, CallerOptions options = {}) {
    const auto run = begin(std::move(options));
    return sync_wait(home_, session::capture(engine_, *run, std::move(globs)));
  }
  static PathGlobs globs(std::vector<std::string> text, GlobMatchError error,
                         GlobConjunction conjunction = GlobConjunction::kAnyMatch) {
    return {std::move(text), error, conjunction,
            error == GlobMatchError::kIgnore ? "" : "the test"};
  }
};

TEST_F(CapturesTest, AnyMatchIsContentWithOne) {
  write("a.txt", "a");
  const auto found = capture(globs({"*.txt", "*.md"}, GlobMatchError::kError));
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_THAT(found->warnings, IsEmpty());
}

TEST_F(CapturesTest, AllMatchNamesThoseThatDoNot) {
  write("a.txt", "a");
  const auto found =
      capture(globs({"*.txt", "*.md", "x/**"}, GlobMatchError::kError, GlobConjunction::kAllMatch));
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(found.error().blame(), Blame::kUser);
  EXPECT_THAT(found.error().message(),
              AllOf(HasSubstr("'*.md', 'x/**' from the test"), Not(HasSubstr("*.txt"))));
  EXPECT_THAT(found.error().message(), HasSubstr(workspace_.root()));
}

TEST_F(CapturesTest, AWarningComesWithTheAnswer) {
  const auto found = capture(globs({"*.md", "!old.md"}, GlobMatchError::kWarn));
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found->warnings, ElementsAre(AllOf(HasSubstr("no file matches the glob '*.md'"),
                                                 HasSubstr("excluded: 'old.md'"))));
}

TEST_F(CapturesTest, IgnoreSaysNothing) {
  const auto found = capture(globs({"*.md"}, GlobMatchError::kIgnore));
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found->warnings, IsEmpty());
}

TEST_F(CapturesTest, TheMessageNamesTheRuleThatHidesTheFile) {
  write("sub/.gitignore", "\n*.gen\n");
  write("sub/x.gen", "x");
  const auto found = capture(globs({"sub/*.gen"}, GlobMatchError::kError));
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().message(),
              HasSubstr("sub/x.gen exists but is hidden by line 2 of sub/.gitignore (*.gen)"));
}

TEST_F(CapturesTest, TheOptionIgnoreIsSetLikeAnyOther) {
  const auto shown_with = [this](CallerOptions options) {
    const auto found = capture(globs({"**", "!kiln.toml"}, GlobMatchError::kIgnore), options);
    return found.ok() ? shown(*found->tree) : std::vector{found.error().to_string()};
  };
  for (const char* path : {"dist/a", ".hidden/b", "own/c"}) write(path, "");
  EXPECT_THAT(shown_with({}), ElementsAre("own/c="));
  write("kiln.toml", "[GLOBAL]\nignore.add = [\"/own/\"]\n");
  EXPECT_THAT(shown_with({}), IsEmpty());
  write("kiln.toml", "[GLOBAL]\nignore = [\"/own/\"]\n");
  EXPECT_THAT(shown_with({}), ElementsAre(".hidden/b=", "dist/a="));
  CallerOptions options{.settings = {}, .variables = {{"KILN_GLOBAL_IGNORE", "[\"/dist/\"]"}}};
  EXPECT_THAT(shown_with(options), ElementsAre(".hidden/b=", "own/c="));
  options.settings.push_back({.scope = "GLOBAL", .name = "ignore", .value = ".*/"});
  EXPECT_THAT(shown_with(options), ElementsAre("dist/a=", "own/c="));
  write("kiln.toml", "[GLOBAL]\nignored = []\n");
  EXPECT_THAT(shown_with({}), ElementsAre(HasSubstr("did you mean")));
}

TEST_F(CapturesTest, AnOriginIsAskedForExactlyWhenItIsUsed) {
  const auto without = capture({{"*"}, GlobMatchError::kWarn, GlobConjunction::kAnyMatch, ""});
  ASSERT_FALSE(without.ok());
  EXPECT_THAT(without.error().message(), HasSubstr("description_of_origin"));
  const auto useless = capture({{"*"}, GlobMatchError::kIgnore, GlobConjunction::kAnyMatch, "x"});
  ASSERT_FALSE(useless.ok());
  EXPECT_THAT(useless.error().message(), HasSubstr("description_of_origin"));
}

TEST_F(CapturesTest, ABadGlobIsNamed) {
  const auto found = capture(globs({"../x"}, GlobMatchError::kIgnore));
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(found.error().message(), HasSubstr("../x"));
}

TEST_F(CapturesTest, WithoutAWorkspaceThereIsNothingToCapture) {
  const auto run = *runs_.begin(nullptr);
  const auto found =
      sync_wait(home_, session::capture(engine_, *run, globs({"*"}, GlobMatchError::kIgnore)));
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().message(), HasSubstr("workspace root"));
}

TEST_F(CapturesTest, ListingNamesReadsNoFileAndShowsMatchedDirectories) {
  write("a/b/f", "f");
  write("a/g", "g");
  const auto run = begin();
  const auto paths =
      sync_wait(home_, list_paths(engine_, *run, globs({"a/*"}, GlobMatchError::kIgnore)));
  ASSERT_TRUE(paths.ok());
  std::vector<std::string> names;
  for (const auto& [path, directory] : paths->paths) names.push_back(path + (directory ? "/" : ""));
  EXPECT_THAT(names, ElementsAre("a/b/", "a/g"));
  EXPECT_EQ(work().read, 0);
}

// "f=content" of every file of a workspace that stands elsewhere.
class OtherWorkspace : public SessionFixture {
 protected:
  std::vector<std::string> content(const intrinsics::Workspace& workspace) {
    const auto run = *runs_.begin(&workspace);
    const auto found = sync_wait(home_, session::capture(engine_, *run, PathGlobs{.globs = {"*"}}));
    return found.ok() ? shown(*found->tree) : std::vector{found.error().to_string()};
  }
  const test::TempDirectory outer_;
};

TEST_F(OtherWorkspace, ADirectoryAboveTheRootThatIsRenamedIsNoticed) {
  outer_.write("house/room/f", "old");
  const auto opened = *workspaces_.open(outer_.path("house/room"));
  const intrinsics::Workspace& workspace = *opened;
  EXPECT_THAT(content(workspace), ElementsAre("f=old"));
  std::filesystem::rename(outer_.path("house"), outer_.path("elsewhere"));
  EXPECT_THAT(content(workspace), ElementsAre(HasSubstr("No such file"))) << "not what stood there";
  outer_.write("house/room/f", "new");
  EXPECT_THAT(content(workspace), ElementsAre("f=new"));
}

TEST_F(OtherWorkspace, ARootThatIsReplacedIsNoticed) {
  outer_.write("room/f", "old");
  const auto opened = *workspaces_.open(outer_.path("room/"));
  const intrinsics::Workspace& workspace = *opened;
  EXPECT_THAT(content(workspace), ElementsAre("f=old"));
  std::filesystem::rename(outer_.path("room"), outer_.path("kept"));
  outer_.write("room/g", "new");
  EXPECT_THAT(content(workspace), ElementsAre("g=new"));
}

TEST_F(CapturesTest, ACancelledCaptureSaysSo) {
  write("f", "f");
  const auto run = begin();
  run->cancel();
  const auto answer = sync_wait(home_, session::capture(engine_, *run, PathGlobs{.globs = {"**"}}));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kCancelled);
}

TEST_F(CapturesTest, ASubsetFollowsTheSameRules) {
  const auto tree = *store::tree_of(
      {file("a/f", "f"), file("a/g.md", "g"), {rel("l"), store::Symlink{"a"}}, file("b/h", "h")});
  const auto part = subset(tree, globs({"a/**", "l", "!*.md"}, GlobMatchError::kIgnore));
  ASSERT_TRUE(part.ok());
  EXPECT_THAT(shown(*part->tree), ElementsAre("a/f=f", "l->a"));
  const auto missing = subset(tree, globs({"zzz"}, GlobMatchError::kError));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace kiln::session
