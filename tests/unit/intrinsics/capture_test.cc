// Captures through the graph: what they hold, and what ran for it after each kind of change.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Work = test::Work;

class CaptureTest : public test::EngineFixture {
 protected:
  using EngineFixture::EngineFixture;
};

// src/{a,b}/{1,2}.txt and docs/: enough for "only what is on the path".
class IncrementalCapture : public CaptureTest {
 protected:
  IncrementalCapture() {
    for (const char* path : {"src/a/1.txt", "src/a/2.txt", "src/b/1.txt", "src/b/2.txt"}) {
      write(path, path);
    }
    write("docs/d.txt", "d");
    settle();
    capture({"src/**"});
    work();
  }
};

TEST_F(IncrementalCapture, AskingAgainRunsNothing) {
  capture({"src/**"});
  EXPECT_EQ(work(), Work{});
}

TEST_F(IncrementalCapture, AnEditReadsOneFileAndRerunsTheDirectoriesAboveItOnly) {
  write("src/a/1.txt", "edited");
  EXPECT_THAT(captured({"src/**"}),
              ElementsAre("src/a/1.txt=edited", "src/a/2.txt=src/a/2.txt",
                          "src/b/1.txt=src/b/1.txt", "src/b/2.txt=src/b/2.txt"));
  // The file, and the globs of src/a, src and the root.
  EXPECT_EQ(work(), (Work{.ran = 5, .looked = 1, .read = 1}));
}

TEST_F(IncrementalCapture, ATouchIsCutOffAtTheFile) {
  write("src/a/1.txt", "src/a/1.txt");
  capture({"src/**"});
  EXPECT_EQ(work(), (Work{.ran = 1, .cut_off = 1, .looked = 1, .read = 1}));
}

TEST_F(IncrementalCapture, ANewFileThatNoGlobMatchesReadsNothing) {
  write("docs/new.txt", "n");
  capture({"src/**"});
  EXPECT_EQ(work(), Work{});
}

TEST_F(IncrementalCapture, ANewFileListsItsDirectoryAndReadsTheFile) {
  write("src/b/3.txt", "3");
  EXPECT_THAT(captured({"src/b/*"}),
              ElementsAre("src/b/1.txt=src/b/1.txt", "src/b/2.txt=src/b/2.txt", "src/b/3.txt=3"));
  work();
  write("src/b/4.txt", "4");
  capture({"src/b/*"});
  const Work done = work();
  EXPECT_EQ(done.listed, 1);
  EXPECT_EQ(done.read, 1);
}

TEST_F(IncrementalCapture, AFileThatWentAndCameBackTheSameIsCutOffAtTheDirectory) {
  remove("src/a/1.txt");
  write("src/a/1.txt", "src/a/1.txt");
  capture({"src/**"});
  const Work done = work();
  EXPECT_EQ(done.listed, 1);
  EXPECT_EQ(done.read, 1);
  EXPECT_EQ(done.ran, done.cut_off) << "nothing above the leaves runs";
}

TEST_F(IncrementalCapture, ADirectoryThatIsReplacedIsReadAgainAndItsSiblingIsNot) {
  rename("src/a", "src/old");
  write("src/a/1.txt", "replaced");
  EXPECT_THAT(
      captured({"src/a/**", "src/b/**"}),
      ElementsAre("src/a/1.txt=replaced", "src/b/1.txt=src/b/1.txt", "src/b/2.txt=src/b/2.txt"));
  EXPECT_EQ(work().read, 1);
}

TEST_F(IncrementalCapture, AnOverflowLooksAtEverythingAgainAndKeepsTheValues) {
  const watch::Change overflow{watch::Change::Kind::kOverflow, "", ""};
  router_.changed(std::span(&overflow, 1));
  capture({"src/**"});
  const Work done = work();
  // The way to the root, and whether a repository begins in a directory on it.
  const auto above = std::count(disk_.path().begin(), disk_.path().end(), '/');
  const auto looked_above = 2 * above + 1;
  EXPECT_EQ(done.looked, 4 + looked_above);
  EXPECT_EQ(done.read, 0) << "the stats are as they were";
  EXPECT_EQ(done.listed, 4) << "the root, src, src/a, src/b";
  // No glob runs: all that ran are watches, which differ by the overflow, and leaves.
  EXPECT_EQ(done.ran, 4 + 4 + 4 + (above + 1) + looked_above);
  EXPECT_EQ(done.cut_off, 4 + 4 + looked_above);
}

TEST_F(IncrementalCapture, AChangeThatAnOverflowHidIsFound) {
  // Without its event: the change goes to a router that is not attached.
  router_.detach();
  write("src/b/2.txt", "unseen");
  watcher_->synchronize();
  router_.attach(*graph_);
  const watch::Change overflow{watch::Change::Kind::kOverflow, "", ""};
  router_.changed(std::span(&overflow, 1));
  EXPECT_THAT(captured({"src/b/2.txt"}), ElementsAre("src/b/2.txt=unseen"));
}

TEST_F(IncrementalCapture, AnotherQuerySharesTheLeaves) {
  capture({"src/**/*.txt"});
  const Work done = work();
  EXPECT_EQ(done.read, 0);
  EXPECT_EQ(done.listed, 0);
  EXPECT_EQ(done.looked, 0);
}

TEST_F(IncrementalCapture, ClosedDirectoriesSayWhich) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  ::chmod(disk_.path("docs").c_str(), 0);
  const auto refused = try_capture({"docs/**"});
  ::chmod(disk_.path("docs").c_str(), 0755);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().to_string(), HasSubstr("docs"));
  EXPECT_THAT(captured({"docs/**"}), ElementsAre("docs/d.txt=d")) << "an error is not remembered";
}

TEST_F(CaptureTest, DirectoriesAreWatchedBeforeTheyAreRead) {
  // A file made between two captures of an empty directory is seen only if a watch was in place.
  disk_.make_directory("empty");
  EXPECT_THAT(captured({"empty/**"}), IsEmpty());
  write("empty/now", "not");
  EXPECT_THAT(captured({"empty/**"}), ElementsAre("empty/now=not"));
}

TEST_F(CaptureTest, AFileWithSeveralNamesIsLookedAtByEachRun) {
  const test::TempDirectory elsewhere;
  write("linked", "one");
  std::filesystem::create_hard_link(disk_.path("linked"), elsewhere.path("other-name"));
  EXPECT_THAT(captured({"linked"}), ElementsAre("linked=one"));
  // Written by the name that nobody watches.
  elsewhere.write("other-name", "two");
  EXPECT_THAT(captured({"linked"}), ElementsAre("linked=two"));
}

// No system call tells of these stores, and but the first of them no time either.
TEST_F(CaptureTest, StoresThroughALiveMappingAreSeenByEachRun) {
  write("f", "0000");
  write("g", "g");
  settle();
  char* mapping = nullptr;
  {
    const UniqueFd fd = *open_file(disk_.path("f"), O_RDWR);
    mapping =
        static_cast<char*>(::mmap(nullptr, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  }
  ASSERT_NE(mapping, MAP_FAILED);
  mapping[0] = '1';
  settle();
  EXPECT_THAT(captured({"*"}), ElementsAre("f=1000", "g=g"));
  mapping[1] = '2';
  EXPECT_THAT(captured({"*"}), ElementsAre("f=1200", "g=g"));
  mapping[2] = '3';
  work();
  EXPECT_THAT(captured({"*"}), ElementsAre("f=1230", "g=g"));
  EXPECT_EQ(work().read, 1) << "the other file is left alone";
  mapping[3] = '4';
  ::munmap(mapping, 4);
  EXPECT_THAT(captured({"*"}), ElementsAre("f=1234", "g=g"));
  work();
  EXPECT_THAT(captured({"*"}), ElementsAre("f=1234", "g=g"));
  EXPECT_EQ(work(), Work()) << "nobody can write any more";
}

TEST_F(CaptureTest, AVanishedDirectoryIsNoError) {
  write("d/f", "f");
  EXPECT_THAT(captured({"**"}), ElementsAre("d/f=f"));
  remove("d");
  EXPECT_THAT(captured({"**"}), IsEmpty());
  write("d", "a file now");
  EXPECT_THAT(captured({"**"}), ElementsAre("d=a file now"));
}

TEST_F(CaptureTest, FifosAndSocketsAreSkipped) {
  write("f", "f");
  ::mkfifo(disk_.path("fifo").c_str(), 0600);
  EXPECT_THAT(captured({"**"}), ElementsAre("f=f"));
}

TEST_F(CaptureTest, TheExecutableBitIsContent) {
  write("f", "f");
  EXPECT_THAT(captured({"f"}), ElementsAre("f=f"));
  ::chmod(disk_.path("f").c_str(), 0755);
  EXPECT_THAT(captured({"f"}), ElementsAre("f*=f"));
}

TEST_F(CaptureTest, GlobsThatMatchNothingAreNamed) {
  write("a.txt", "a");
  EXPECT_THAT(capture({"*.txt", "*.md", "no/such/dir/**"}).unmatched,
              ElementsAre("*.md", "no/such/dir/**"));
}

TEST_F(CaptureTest, NamesThatAreNotUtf8AreRefusedOnlyIfAGlobMatchesThem) {
  write("ok.txt", "ok");
  write("bad\xff.bin", "bad");
  EXPECT_THAT(captured({"*.txt"}), ElementsAre("ok.txt=ok"));
  const auto refused = try_capture({"**"});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("not valid UTF-8"));
}

class FewWatches : public CaptureTest {
 protected:
  FewWatches() : CaptureTest(2) {}
};

TEST_F(FewWatches, WhatIsNotWatchedIsLookedAtByEachRun) {
  for (int i = 0; i < 6; ++i) write("d" + std::to_string(i) + "/f", "1");
  settle();
  capture({"**"});
  EXPECT_EQ(watcher_->stats().watched, 2u);
  // Watched are the root and "/". Not watched are what lies between, and the six directories.
  const auto between = std::count(disk_.path().begin(), disk_.path().end(), '/') - 1;
  EXPECT_EQ(watcher_->stats().unwatched, static_cast<uint64_t>(6 + between));
  work();
  capture({"**"});
  Work again = work();
  EXPECT_EQ(again.looked, 6 + 2 * between);
  EXPECT_EQ(again.read, 0);
  for (int i = 0; i < 6; ++i) {
    write("d" + std::to_string(i) + "/f", "2");
    EXPECT_THAT(captured({"d" + std::to_string(i) + "/f"}),
                ElementsAre("d" + std::to_string(i) + "/f=2"));
  }
  write("d5/g", "new");
  remove("d4");
  EXPECT_THAT(captured({"d4/**", "d5/**"}), ElementsAre("d5/f=2", "d5/g=new"));
}

}  // namespace
}  // namespace kiln::intrinsics
