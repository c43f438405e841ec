// WorkspaceWriter and Workspaces: whole files, nothing half done, nothing outside the root.
#include "daemon/intrinsics/workspace_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

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

// What a request captured of the workspace, and when.
class CarefulWriter : public Writer {
 protected:
  store::TreePtr captured(std::vector<store::PathEntry> entries) {
    return *store::tree_of(std::move(entries));
  }
  Result<uint64_t> put_under(WriteTerms terms, std::vector<store::PathEntry> entries) {
    return writer_.write(workspace_, *store::tree_of(std::move(entries)), RelPath(),
                         std::move(terms));
  }
  void set_time(const std::string& path, int64_t seconds, int64_t ns = 0) {
    const std::array<timespec, 2> times = {timespec{seconds, ns}, timespec{seconds, ns}};
    ASSERT_EQ(::utimensat(AT_FDCWD, disk_.path(path).c_str(), times.data(), AT_SYMLINK_NOFOLLOW),
              0);
  }
  int64_t time_of(std::string_view path) {
    const struct stat st = look(path);
    return st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
  }
  unsigned mode_of(std::string_view path) { return look(path).st_mode & 0777; }
};

TEST_F(CarefulWriter, AFileThatWasEditedSinceItsCaptureIsKeptAndNamed) {
  write("text", "an hour of work");
  write("other", "other");
  const auto refused =
      put_under({.captured = captured({file("text", "v0"), file("other", "other")})},
                {file("text", "v1"), file("other", "new")});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  const Digest kept = (*store::tree_of({file("text", "v1"), file("other", "new")}))->digest();
  EXPECT_THAT(refused.error().message(),
              AllOf(HasSubstr("\n  text\n"), testing::Not(HasSubstr("\n  other")),
                    HasSubstr(to_string(kept))));
  EXPECT_EQ(text("text"), "an hour of work");
  EXPECT_EQ(text("other"), "other") << "nothing is written";
}

TEST_F(CarefulWriter, AFileThatStillIsWhatWasCapturedIsReplaced) {
  write("text", "v0");
  EXPECT_EQ(*put_under({.captured = captured({file("text", "v0")})}, {file("text", "v1")}), 1u);
  EXPECT_EQ(text("text"), "v1");
}

TEST_F(CarefulWriter, AFileThatHoldsTheNewContentAlreadyIsNoConflict) {
  write("text", "v1");
  EXPECT_EQ(*put_under({.captured = captured({file("text", "v0")})}, {file("text", "v1")}), 0u);
}

TEST_F(CarefulWriter, ACapturedFileThatWasRemovedOrMadeExecutableIsAnEdit) {
  const auto was = captured({file("text", "v0")});
  EXPECT_FALSE(put_under({.captured = was}, {file("text", "v1")}).ok());
  EXPECT_THAT(names(), IsEmpty());
  write("text", "v0");
  ::chmod(disk_.path("text").c_str(), 0755);
  EXPECT_FALSE(put_under({.captured = was}, {file("text", "v1")}).ok());
}

TEST_F(CarefulWriter, ASymlinkAlsoReplacesNoEditedFile) {
  write("f", "edited");
  EXPECT_FALSE(put_under({.captured = captured({file("f", "v0")})},
                         {{rel("f"), store::Symlink{"elsewhere"}}})
                   .ok());
  EXPECT_EQ(text("f"), "edited");
}

TEST_F(CarefulWriter, WhatWasCapturedThroughASymlinkIsWrittenThroughIt) {
  write("real/text", "v0");
  link("real/text", "text");
  const auto was = captured({file("text", "v0")});
  EXPECT_EQ(*put_under({.captured = was}, {file("text", "v1")}), 1u);
  EXPECT_TRUE(S_ISLNK(look("text").st_mode));
  EXPECT_EQ(text("real/text"), "v1");
  EXPECT_FALSE(put_under({.captured = was}, {file("text", "v2")}).ok()) << "edited behind the link";
  EXPECT_EQ(text("real/text"), "v1");
}

TEST_F(CarefulWriter, WhatChangedAfterATimeIsKeptUnlessTheCallerWroteIt) {
  std::map<RelPath, os::Stat> own;
  const int64_t past = 1'000'000'000;
  ASSERT_EQ(*put_under({.unchanged_since = past, .own = &own}, {file("f", "mine")}), 1u);
  EXPECT_EQ(*put_under({.unchanged_since = past, .own = &own}, {file("f", "mine, too")}), 1u);
  write("f", "somebody's");
  const auto refused = put_under({.unchanged_since = past, .own = &own}, {file("f", "mine again")});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(text("f"), "somebody's");
}

TEST_F(CarefulWriter, AReplacedFileKeepsItsModeButForTheExecutableBits) {
  write("private", "old");
  ::chmod(disk_.path("private").c_str(), 0600);
  write("odd", "old");
  ::chmod(disk_.path("odd").c_str(), 0640);
  write("tool", "old");
  ::chmod(disk_.path("tool").c_str(), 0750);
  ASSERT_EQ(*put({file("private", "new"), file("odd", "new", true), file("tool", "new")}), 3u);
  EXPECT_EQ(mode_of("private"), 0600u);
  EXPECT_EQ(mode_of("odd"), 0750u);
  EXPECT_EQ(mode_of("tool"), 0640u);
}

TEST_F(CarefulWriter, NewFilesAndDirectoriesObeyTheUmaskOfTheCaller) {
  ASSERT_TRUE(put_under({.umask = 077}, {file("d/f", "f"), file("d/x", "x", true)}).ok());
  EXPECT_EQ(mode_of("d"), 0700u);
  EXPECT_EQ(mode_of("d/f"), 0600u);
  EXPECT_EQ(mode_of("d/x"), 0700u);
  ASSERT_TRUE(put_under({.umask = 02}, {file("e/f", "f"), file("e/x", "x", true)}).ok());
  EXPECT_EQ(mode_of("e"), 0775u);
  EXPECT_EQ(mode_of("e/f"), 0664u);
  EXPECT_EQ(mode_of("e/x"), 0775u);
}

TEST_F(CarefulWriter, AReplacedFileKeepsItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  write("f", "old");
  ASSERT_EQ(::chown(disk_.path("f").c_str(), 12345, 23456), 0);
  ASSERT_EQ(*put({file("f", "new")}), 1u);
  EXPECT_EQ(look("f").st_uid, 12345u);
  EXPECT_EQ(look("f").st_gid, 23456u);
}

TEST_F(CarefulWriter, ContentThatStandsAlreadyIsNeverLeftOlderThanWhatItWasMadeFrom) {
  write("in", "in");
  write("out", "out");
  set_time("out", 1'000'000);
  set_time("in", 2'000'000);
  const ino_t inode = look("out").st_ino;
  const int64_t now = file_clock_now();
  WriteTerms terms{.captured = captured({file("in", "in")}), .captured_at = now};
  EXPECT_EQ(*put_under(terms, {file("out", "out")}), 0u);
  EXPECT_EQ(look("out").st_ino, inode) << "it is not written";
  EXPECT_EQ(time_of("out"), now);
  set_time("out", 3'000'000);
  EXPECT_EQ(*put_under(terms, {file("out", "out")}), 0u);
  EXPECT_EQ(time_of("out"), 3'000'000'000'000'000) << "it is newer than its input";
}

TEST_F(CarefulWriter, WhatIsMadeFromAFileOfTheFutureIsNotOlder) {
  write("in", "in");
  const int64_t future = file_clock_now() / 1'000'000'000 + 100'000;
  set_time("in", future);
  WriteTerms terms{.captured = captured({file("in", "in")}), .captured_at = file_clock_now()};
  ASSERT_EQ(*put_under(terms, {file("out", "out")}), 1u);
  EXPECT_EQ(time_of("out"), future * 1'000'000'000);
}

TEST_F(CarefulWriter, AnInputThatWasEditedAfterTheCaptureIsNewerThanTheOutput) {
  const int64_t capture = file_clock_now() - 1'000'000'000;
  write("in", "edited");
  WriteTerms terms{.captured = captured({file("in", "as captured")}), .captured_at = capture};
  ASSERT_EQ(*put_under(terms, {file("out", "out")}), 1u);
  EXPECT_LT(time_of("out"), time_of("in")) << "make has to build it again";
  // Also in the tick of the clock in which the capture began, and if its time is an old one.
  terms.captured_at = time_of("in");
  ASSERT_EQ(*put_under(terms, {file("out2", "out")}), 1u);
  EXPECT_LT(time_of("out2"), time_of("in"));
  set_time("in", 1'000'000);
  ASSERT_EQ(*put_under(terms, {file("out2", "out")}), 0u);
  EXPECT_LT(time_of("out2"), time_of("in"));
}

}  // namespace
}  // namespace kiln::intrinsics
