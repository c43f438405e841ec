// WorkspaceWriter and Workspaces: whole files, nothing half done, nothing outside the root.
#include "daemon/intrinsics/workspace_writer.h"

#include <sys/stat.h>

#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Writer : public test::EngineFixture {
 protected:
  Result<uint64_t> put(std::vector<store::PathEntry> entries, std::string_view prefix = "") {
    return writer_.write(workspace_, *store::tree_of(std::move(entries)), rel(prefix));
  }
  std::string text(std::string_view path) { return *read_file(disk_.path(path)); }
  struct stat look(std::string_view path) {
    struct stat st {};
    EXPECT_EQ(::lstat(disk_.path(path).c_str(), &st), 0) << path;
    return st;
  }
  // Whatever lies about: nothing may be left beside what was written.
  std::vector<std::string> names(std::string_view directory = "") {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(disk_.path(directory))) {
      all.push_back(entry.path().filename());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  WorkspaceWriter writer_{*store_, fs_counters_};
};

TEST_F(Writer, WritesEveryKindOfEntryBelowAPrefix) {
  EXPECT_EQ(*put({file("d/f", "f"),
                  file("x", "x", true),
                  {rel("l"), store::Symlink{"d/f"}},
                  {rel("empty"), store::Tree::empty()}},
                 "out/here"),
            3u);
  EXPECT_EQ(text("out/here/d/f"), "f");
  EXPECT_EQ(look("out/here/d/f").st_mode & 0777, 0644u);
  EXPECT_EQ(look("out/here/x").st_mode & 0777, 0755u);
  EXPECT_EQ(std::filesystem::read_symlink(disk_.path("out/here/l")), "d/f");
  EXPECT_THAT(names("out/here"), ElementsAre("d", "empty", "l", "x"));
}

TEST_F(Writer, WhatIsThereAlreadyKeepsItsInodeAndItsTime) {
  put({file("f", "same"), file("g", "old")}).value();
  const auto before = look("f");
  EXPECT_EQ(*put({file("f", "same"), file("g", "new")}), 1u);
  const auto after = look("f");
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
  EXPECT_EQ(text("g"), "new");
}

TEST_F(Writer, AnotherModeIsADifference) {
  put({file("f", "same")}).value();
  EXPECT_EQ(*put({file("f", "same", true)}), 1u);
  EXPECT_EQ(look("f").st_mode & 0777, 0755u);
}

TEST_F(Writer, AReaderOfTheOldFileKeepsTheOldFile) {
  write("f", "old");
  std::ifstream reader(disk_.path("f"));
  put({file("f", "a new one that is longer")}).value();
  std::string seen;
  std::getline(reader, seen);
  EXPECT_EQ(seen, "old");
  EXPECT_EQ(text("f"), "a new one that is longer");
  EXPECT_THAT(names(), ElementsAre("f"));
}

TEST_F(Writer, EverythingInTheWayIsNamedAndNothingIsWritten) {
  const test::TempDirectory outside;
  write("is-file", "i");
  disk_.make_directory("is-dir");
  link(outside.path(), "is-link");
  const auto refused = put({file("a-first", "a"), file("is-file/f", "f"), file("is-dir", "d"),
                            file("is-link/f", "l"), file("z-last", "z")});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(refused.error().message(), HasSubstr("is-file is not a directory"));
  EXPECT_THAT(refused.error().message(), HasSubstr("is-dir is a directory"));
  EXPECT_THAT(refused.error().message(), HasSubstr("is-link is a symlink"));
  EXPECT_THAT(names(), ElementsAre("is-dir", "is-file", "is-link"));
  EXPECT_TRUE(std::filesystem::is_empty(outside.path()));
}

TEST_F(Writer, APrefixThroughASymlinkIsRefusedEvenInsideTheRoot) {
  disk_.make_directory("real");
  link("real", "link");
  EXPECT_FALSE(put({file("f", "f")}, "link/deep").ok());
  EXPECT_THAT(names("real"), IsEmpty());
}

TEST_F(Writer, AFileReplacesASymlinkAndNotItsTarget) {
  write("target", "t");
  link("target", "f");
  EXPECT_EQ(*put({file("f", "f")}), 1u);
  EXPECT_EQ(text("target"), "t");
  EXPECT_TRUE(S_ISREG(look("f").st_mode));
}

TEST_F(Writer, AnEqualSymlinkIsLeftAlone) {
  put({{rel("l"), store::Symlink{"x"}}}).value();
  EXPECT_EQ(*put({{rel("l"), store::Symlink{"x"}}}), 0u);
  EXPECT_EQ(*put({{rel("l"), store::Symlink{"y"}}}), 1u);
  EXPECT_EQ(std::filesystem::read_symlink(disk_.path("l")), "y");
}

TEST_F(Writer, ADirectoryThatCannotBeWrittenIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root writes everywhere";
  disk_.make_directory("closed");
  ::chmod(disk_.path("closed").c_str(), 0555);
  const auto refused = put({file("closed/f", "f")});
  ::chmod(disk_.path("closed").c_str(), 0755);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("closed/f in " + disk_.path()));
}

TEST_F(Writer, WhatTheStoreLacksIsNamedAndNothingIsWritten) {
  write("there", "old");
  const std::vector<store::PathEntry> entries = {file("a", "a"), file("d/b", "gone"),
                                                 file("there", "new"), file("z", "gone, too")};
  store_->lose(file_digest_of("gone"));
  store_->lose(file_digest_of("gone, too"));
  const auto refused = put(entries);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(refused.error().blame(), Blame::kEnvironment) << "who brought it may be asked again";
  EXPECT_THAT(refused.error().message(),
              AllOf(HasSubstr("nothing was written into " + disk_.path() + ":\n  d/b: "),
                    HasSubstr("\n  z: ")));
  EXPECT_THAT(names(), ElementsAre("there"));
  EXPECT_EQ(text("there"), "old");
  ASSERT_TRUE(store_->blobs().put("gone").ok());
  ASSERT_TRUE(store_->blobs().put("gone, too").ok());
  EXPECT_EQ(*put(entries), 4u);
}

TEST_F(Writer, WhatStandsThereAlreadyNeedsNoContentInTheStore) {
  put({file("f", "same")}).value();
  const std::vector<store::PathEntry> entries = {file("f", "same"), file("g", "another")};
  store_->lose(file_digest_of("same"));
  EXPECT_EQ(*put(entries), 1u);
  EXPECT_THAT(names(), ElementsAre("f", "g"));
}

TEST_F(Writer, FilesAndDirectoriesInAnyOrderOfNamesStandWhereTheyBelong) {
  EXPECT_EQ(*put({file("a", "1"), file("b/c/d", "2"), file("b/c/e/f", "3"), file("b/c/g", "4"),
                  file("b/h", "5"), file("i", "6")}),
            6u);
  EXPECT_EQ(text("b/c/d") + text("b/c/e/f") + text("b/c/g") + text("b/h") + text("i"), "23456");
  std::filesystem::remove_all(disk_.path("b/c/e"));
  write("b/c/g", "another");
  EXPECT_EQ(*put({file("b/c/d", "2"), file("b/c/e/f", "3"), file("b/c/g", "4"), file("b/h", "5")}),
            2u);
  EXPECT_EQ(text("b/c/e/f") + text("b/c/g"), "34");
}

TEST_F(Writer, ARootThatWasMovedAwayIsNotWrittenTo) {
  const test::TempDirectory outer;
  outer.make_directory("room");
  const WorkspaceRef opened = *workspaces_.open(outer.path("room"));
  const Workspace& workspace = *opened;
  const auto tree = *store::tree_of({file("f", "f")});
  ASSERT_TRUE(writer_.write(workspace, tree, RelPath()).ok());
  std::filesystem::rename(outer.path("room"), outer.path("kept"));
  outer.make_directory("room");
  ASSERT_TRUE(writer_.write(workspace, *store::tree_of({file("g", "g")}), RelPath()).ok());
  EXPECT_TRUE(std::filesystem::exists(outer.path("room/g")));
  EXPECT_FALSE(std::filesystem::exists(outer.path("kept/g")));
}

}  // namespace
}  // namespace kiln::intrinsics
