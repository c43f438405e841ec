#include "daemon/watch/inotify_watcher.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_directory.h"
#include "tests/unit/watch/recording_sink.h"

namespace kiln::watch {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class InotifyWatcherTest : public testing::Test {
 protected:
  explicit InotifyWatcherTest(uint64_t max_watches = 0)
      : watcher_(*InotifyWatcher::create(sink_, log_, max_watches)) {}

  Watch watch(std::string_view below = {}) {
    auto watch = watcher_->watch(below.empty() ? root_.path() : root_.path(below));
    EXPECT_TRUE(watch.ok()) << watch.error().to_string();
    return *watch;
  }
  std::vector<std::string> changes() {
    watcher_->synchronize();
    return shown(sink_.take(), root_.path());
  }
  void rename(std::string_view from, std::string_view to) {
    ASSERT_EQ(::rename(root_.path(from).c_str(), root_.path(to).c_str()), 0);
  }

  test::TempDirectory root_;
  RecordingSink sink_;
  RecordingLog log_;
  std::unique_ptr<InotifyWatcher> watcher_;
};

TEST_F(InotifyWatcherTest, FilesThatAppearAndVanishAreEntries) {
  watch();
  root_.write("f", "");
  EXPECT_THAT(changes(), ElementsAre("entry . f", "content . f"));
  std::filesystem::remove(root_.path("f"));
  EXPECT_THAT(changes(), ElementsAre("entry . f"));
}

TEST_F(InotifyWatcherTest, WritesTruncationsAndModesAreContent) {
  root_.write("f", "content");
  watch();
  std::ofstream(root_.path("f"), std::ios::app) << "more";
  EXPECT_THAT(changes(), ElementsAre("content . f"));
  ASSERT_EQ(::truncate(root_.path("f").c_str(), 0), 0);
  EXPECT_THAT(changes(), ElementsAre("content . f"));
  ASSERT_EQ(::chmod(root_.path("f").c_str(), 0755), 0);
  EXPECT_THAT(changes(), ElementsAre("content . f"));
}

TEST_F(InotifyWatcherTest, AFileRenamedInOutOrOverIsAnEntry) {
  test::TempDirectory elsewhere;
  elsewhere.write("new", "x");
  root_.write("a", "");
  root_.write("b", "");
  watch();
  ASSERT_EQ(::rename(elsewhere.path("new").c_str(), root_.path("in").c_str()), 0);
  EXPECT_THAT(changes(), ElementsAre("entry . in"));
  ASSERT_EQ(::rename(root_.path("in").c_str(), elsewhere.path("out").c_str()), 0);
  EXPECT_THAT(changes(), ElementsAre("entry . in"));
  rename("a", "b");
  EXPECT_THAT(changes(), ElementsAre("entry . a", "entry . b"));
}

TEST_F(InotifyWatcherTest, ARetargetedSymlinkIsAnEntry) {
  ASSERT_EQ(::symlink("a", root_.path("l").c_str()), 0);
  watch();
  ASSERT_EQ(::symlink("b", root_.path("l2").c_str()), 0);
  rename("l2", "l");
  EXPECT_THAT(changes(), ElementsAre("entry . l2", "entry . l"));
}

TEST_F(InotifyWatcherTest, AHardLinkIsAnEntryAndChangesTheLinkCount) {
  root_.write("d/f", "");
  root_.make_directory("e");
  watch("d");
  watch("e");
  ASSERT_EQ(::link(root_.path("d/f").c_str(), root_.path("e/g").c_str()), 0);
  EXPECT_THAT(changes(), Contains("entry e g"));
}

TEST_F(InotifyWatcherTest, AMappedStoreIsSeenOnceTheMappingIsGone) {
  root_.write("f", std::string(4096, 'a'));
  watch();
  const int fd = ::open(root_.path("f").c_str(), O_RDWR | O_CLOEXEC);
  void* map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ASSERT_NE(map, MAP_FAILED);
  ::close(fd);
  static_cast<char*>(map)[0] = 'b';
  changes();  // the store itself is not reported; that is what the stat check is for
  ::munmap(map, 4096);
  EXPECT_THAT(changes(), ElementsAre("content . f"));
}

TEST_F(InotifyWatcherTest, DirectoriesThatComeAndGoAreEntries) {
  watch();
  root_.make_directory("d");
  EXPECT_THAT(changes(), ElementsAre("entry . d"));
  ASSERT_EQ(::rmdir(root_.path("d").c_str()), 0);
  EXPECT_THAT(changes(), ElementsAre("entry . d"));
}

TEST_F(InotifyWatcherTest, ADeletedTreeIsReportedForEveryWatchedDirectoryInIt) {
  root_.make_directory("a/b/c");
  for (const char* directory : {"", "a", "a/b", "a/b/c"}) watch(directory);
  std::filesystem::remove_all(root_.path("a"));
  const std::vector<std::string> seen = changes();
  for (const char* expected : {"directory a", "directory a/b", "directory a/b/c", "entry . a"}) {
    EXPECT_EQ(std::count(seen.begin(), seen.end(), expected), 1) << expected;
  }
  EXPECT_EQ(watcher_->stats().watched, 1U);
  EXPECT_EQ(watcher_->watch(root_.path("a")).error().code(), ErrorCode::kNotFound);
}

TEST_F(InotifyWatcherTest, ADirectoryPutInThePlaceOfAnotherHasANewWatch) {
  root_.make_directory("a/sub");
  root_.make_directory("other/sub");
  watch();
  const Watch before = watch("a");
  const Watch sub_before = watch("a/sub");
  rename("a", "away");
  rename("other", "a");
  EXPECT_THAT(changes(), ElementsAre("entry . a", "directory a", "directory a/sub", "entry . away",
                                     "entry . other", "entry . a"));
  EXPECT_NE(watch("a").id, before.id);
  EXPECT_NE(watch("a/sub").id, sub_before.id);

  root_.write("away/sub/f", "");
  EXPECT_THAT(changes(), IsEmpty()) << "what moved away is no longer watched";
  root_.write("a/sub/f", "");
  EXPECT_THAT(changes(), ElementsAre("entry a/sub f", "content a/sub f"));
}

TEST_F(InotifyWatcherTest, AReplacementIsNoticedByWatchEvenWithoutAnyParentWatched) {
  root_.make_directory("a/b");
  root_.make_directory("c/b");
  const Watch before = watch("a/b");
  rename("a", "away");
  rename("c", "a");
  EXPECT_NE(watch("a/b").id, before.id);
  EXPECT_THAT(changes(), ElementsAre("directory a/b"));
}

TEST_F(InotifyWatcherTest, ExchangedDirectoriesAreBothReported) {
  root_.make_directory("a");
  root_.make_directory("b");
  for (const char* directory : {"", "a", "b"}) watch(directory);
  ASSERT_EQ(::renameat2(root_.fd(), "a", root_.fd(), "b", RENAME_EXCHANGE), 0);
  const std::vector<std::string> seen = changes();
  EXPECT_THAT(seen, Contains("directory a"));
  EXPECT_THAT(seen, Contains("directory b"));
}

TEST_F(InotifyWatcherTest, AWatchedRootThatMovesIsReported) {
  root_.make_directory("w");
  watch("w");
  rename("w", "v");
  EXPECT_THAT(changes(), ElementsAre("directory w"));
}

TEST_F(InotifyWatcherTest, AnUnmountEndsTheWatch) {
  root_.make_directory("m");
  if (::mount("none", root_.path("m").c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  watch("m");
  ASSERT_EQ(::umount(root_.path("m").c_str()), 0);
  EXPECT_THAT(changes(), ElementsAre("directory m"));
}

TEST_F(InotifyWatcherTest, AMountOverADirectoryOrAFileIsAnEntryAndSoIsItsUnmount) {
  root_.make_directory("m/below");
  root_.make_directory("other");
  root_.write("f", "1");
  root_.write("other/g", "2");
  for (const char* directory : {"", "m", "m/below"}) watch(directory);
  if (::mount(root_.path("other").c_str(), root_.path("m").c_str(), nullptr, MS_BIND, nullptr) !=
      0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  EXPECT_THAT(changes(), ElementsAre("entry . m", "directory m", "directory m/below"));
  watch("m");
  root_.write("other/g", "3");
  EXPECT_THAT(changes(), ElementsAre("content m g")) << "what is mounted is watched";
  ASSERT_EQ(::umount(root_.path("m").c_str()), 0);
  EXPECT_THAT(changes(), ElementsAre("entry . m", "directory m"));

  const std::string file = root_.path("f");
  ASSERT_EQ(::mount(root_.path("other/g").c_str(), file.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_THAT(changes(), ElementsAre("entry . f"));
  ASSERT_EQ(::umount(file.c_str()), 0);
  EXPECT_THAT(changes(), ElementsAre("entry . f"));
}

TEST_F(InotifyWatcherTest, AMountElsewhereIsOfNoInterest) {
  test::TempDirectory elsewhere;
  watch();
  const ClockTick before = watcher_->synchronize();
  if (::mount("none", elsewhere.path().c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  EXPECT_EQ(watcher_->synchronize(), before);
  ASSERT_EQ(::umount(elsewhere.path().c_str()), 0);
}

TEST_F(InotifyWatcherTest, WhatTheSinkHasForgottenIsNotWatchedAnyMore) {
  for (const char* directory : {"a", "a/b", "c"}) root_.make_directory(directory);
  for (const char* directory : {"", "a", "a/b", "c"}) watch(directory);
  sink_.forget({root_.path("a/b"), root_.path("c")});
  watcher_->tidy();
  EXPECT_EQ(watcher_->stats().watched, 2U);
  root_.write("c/f", "");
  root_.write("a/f", "");
  EXPECT_THAT(changes(), ElementsAre("entry a f", "content a f"));
  sink_.forget({});
  EXPECT_TRUE(watch("c").active) << "it is watched again when it is read again";
  root_.write("c/g", "");
  EXPECT_THAT(changes(), ElementsAre("entry c g", "content c g"));
}

TEST_F(InotifyWatcherTest, TheModeOfTheDirectoryItselfHasNoName) {
  root_.make_directory("d");
  watch("d");
  ASSERT_EQ(::chmod(root_.path("d").c_str(), 0700), 0);
  EXPECT_THAT(changes(), ElementsAre("content d "));
}

TEST_F(InotifyWatcherTest, WatchingAgainGivesTheSameWatch) {
  EXPECT_EQ(watch(), watch());
  EXPECT_TRUE(watch().active);
  EXPECT_EQ(watcher_->stats().watched, 1U);
}

TEST_F(InotifyWatcherTest, RefusesWhatIsNoDirectory) {
  root_.write("f", "");
  ASSERT_EQ(::symlink(".", root_.path("l").c_str()), 0);
  EXPECT_EQ(watcher_->watch(root_.path("f")).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(watcher_->watch(root_.path("l")).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(watcher_->watch(root_.path("x")).error().message(),
            "cannot watch " + root_.path("x") + ": No such file or directory");
}

TEST_F(InotifyWatcherTest, FileSystemsWithoutEventsAreNotWatched) {
  const Watch proc = *watcher_->watch("/proc");
  EXPECT_FALSE(proc.active);
  EXPECT_EQ(*watcher_->watch("/proc"), proc);
  EXPECT_EQ(watcher_->stats().unwatched, 1U);
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("does not report changes")));
}

TEST_F(InotifyWatcherTest, TheTickGrowsOnlyWhenSomethingChanged) {
  watch();
  const ClockTick before = watcher_->synchronize();
  EXPECT_EQ(watcher_->synchronize(), before);
  root_.write("f", "");
  EXPECT_GT(watcher_->synchronize(), before);
}

TEST_F(InotifyWatcherTest, AfterAnOverflowWatchesStayAndTellOfTheDirectoryThatIsThere) {
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  int limit = 0;
  limit_file >> limit;
  if (limit > 50'000) GTEST_SKIP() << "the queue is too long to fill: " << limit;
  root_.make_directory("d");
  watch();
  const Watch before = watch("d");
  // Alternating names, so that the kernel does not merge equal events.
  root_.write("f0", "");
  root_.write("f1", "");
  for (int i = 0; i <= limit; ++i) {
    ASSERT_EQ(::chmod(root_.path(i % 2 == 0 ? "f0" : "f1").c_str(), 0644), 0);
  }
  rename("d", "lost");  // its events do not fit
  root_.make_directory("d");
  EXPECT_THAT(changes(), Contains("overflow"));
  EXPECT_EQ(watcher_->stats().overflows, 1U);
  root_.write("f2", "");
  EXPECT_THAT(changes(), Contains("entry . f2"));
  EXPECT_NE(watch("d").id, before.id);
  EXPECT_THAT(changes(), ElementsAre("directory d"));
}

class LimitedWatcherTest : public InotifyWatcherTest {
 protected:
  LimitedWatcherTest() : InotifyWatcherTest(2) {}
};

TEST_F(LimitedWatcherTest, BeyondTheLimitDirectoriesAreUnwatchedUntilThereIsRoom) {
  for (const char* directory : {"a", "b", "c", "d"}) root_.make_directory(directory);
  EXPECT_TRUE(watch("a").active);
  EXPECT_TRUE(watch("b").active);
  const Watch c = watch("c");
  EXPECT_FALSE(c.active);
  EXPECT_FALSE(watch("d").active);
  EXPECT_EQ(watch("c"), c) << "the id is stable";
  EXPECT_TRUE(watch("a").active) << "what is watched stays so";
  EXPECT_EQ(watcher_->stats().watched, 2U);
  EXPECT_EQ(watcher_->stats().unwatched, 2U);
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("sysctl fs.inotify.max_user_watches")));
  EXPECT_EQ(watcher_->watch(root_.path("x")).error().code(), ErrorCode::kNotFound);

  ASSERT_EQ(::rmdir(root_.path("a").c_str()), 0);
  changes();
  EXPECT_TRUE(watch("c").active);
  EXPECT_NE(watch("c").id, c.id);
}

}  // namespace
}  // namespace kiln::watch
