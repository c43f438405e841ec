#include "daemon/watch/watch_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>

#include "tests/unit/watch/recording_sink.h"

namespace kiln::watch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> changes(WatchTable& table) { return shown(table.take_changes(), "/w"); }

os::InotifyEvent event(int watch, uint32_t mask, std::string_view name = {}) {
  return {.watch = watch, .mask = mask, .cookie = 0, .name = name};
}

TEST(WatchTable, KeepsTheIdWhileTheDescriptorIsTheSame) {
  WatchTable table;
  const Watch first = table.bind("/w", 1);
  EXPECT_EQ(table.bind("/w", 1), first);
  EXPECT_TRUE(first.active);
  EXPECT_NE(table.bind("/w/a", 2).id, first.id);
  EXPECT_THAT(changes(table), IsEmpty());
}

TEST(WatchTable, AnotherDescriptorMeansTheDirectoryWasReplaced) {
  WatchTable table;
  const Watch before = table.bind("/w/a", 1);
  table.bind("/w/a/b", 2);
  const Watch after = table.bind("/w/a", 3);
  EXPECT_NE(after.id, before.id);
  EXPECT_THAT(changes(table), ElementsAre("directory a", "directory a/b"));
  EXPECT_THAT(table.take_orphans(), ElementsAre(1, 2));
  EXPECT_EQ(table.descriptors(), 1U);
}

TEST(WatchTable, AnUnwatchedDirectoryKeepsItsIdUntilItGetsAWatch) {
  WatchTable table;
  const Watch none = table.bind("/w", WatchTable::kNone);
  EXPECT_FALSE(none.active);
  EXPECT_EQ(table.bind("/w", WatchTable::kNone), none);
  EXPECT_EQ(table.unwatched(), 1U);
  EXPECT_NE(table.bind("/w", 1).id, none.id);
  EXPECT_EQ(table.unwatched(), 0U);
}

TEST(WatchTable, ReleasesInPiecesWhatIsNotNeededWithoutAWord) {
  WatchTable table;
  for (int i = 0; i < 5; ++i) table.bind("/w/" + std::to_string(i), i + 1);
  table.bind("/w/u", WatchTable::kNone);
  const auto odd = [](const std::string& directory) { return (directory.back() - '0') % 2 == 1; };
  const std::string at = table.release("", 4, odd);
  EXPECT_EQ(at, "/w/3");
  EXPECT_EQ(table.release(at, 4, odd), "") << "the end";
  EXPECT_THAT(table.take_orphans(), ElementsAre(1, 3, 5));
  EXPECT_EQ(table.descriptors(), 2U);
  EXPECT_THAT(changes(table), IsEmpty());
}

TEST(WatchTable, WhatIsMountedReplacesTheEntryAndAllBelowIt) {
  WatchTable table;
  for (const char* directory : {"/w", "/w/a", "/w/a/b", "/w/ab"}) {
    table.bind(directory, static_cast<int>(std::string(directory).size()));
  }
  table.remounted("/w/a");
  EXPECT_THAT(changes(table), ElementsAre("entry . a", "directory a", "directory a/b"));
  table.remounted("/elsewhere/x");
  EXPECT_THAT(changes(table), IsEmpty());
}

TEST(WatchTable, OneInodeUnderTwoPathsIsReportedForBoth) {
  WatchTable table;
  table.bind("/w/x", 1);
  table.bind("/w/y", 1);
  table.apply(event(1, IN_CREATE, "f"));
  EXPECT_THAT(changes(table), ElementsAre("entry x f", "entry y f"));
  table.forget("/w/x");
  EXPECT_THAT(table.take_orphans(), IsEmpty()) << "still watched as y";
  table.apply(event(1, IN_DELETE, "f"));
  EXPECT_THAT(changes(table), ElementsAre("directory x", "entry y f"));
  table.forget("/w/y");
  EXPECT_THAT(table.take_orphans(), ElementsAre(1));
}

TEST(WatchTable, AMovedDirectoryTakesAllBelowItAndNoNeighbours) {
  WatchTable table;
  const char* paths[] = {"/w", "/w/a", "/w/a-b", "/w/a/b", "/w/a/b/c", "/w/a0", "/w/b"};
  for (int i = 0; i < 7; ++i) table.bind(paths[i], i);
  table.apply(event(0, IN_MOVED_FROM | IN_ISDIR, "a"));
  EXPECT_THAT(changes(table),
              ElementsAre("entry . a", "directory a", "directory a/b", "directory a/b/c"));
  EXPECT_EQ(table.descriptors(), 4U);
}

TEST(WatchTable, TheFileSystemRootIsADirectoryLikeOthers) {
  WatchTable table;
  table.bind("/", 1);
  table.bind("/w", 2);
  table.apply(event(1, IN_DELETE | IN_ISDIR, "w"));
  EXPECT_THAT(shown(table.take_changes(), "/nowhere"), ElementsAre("entry / w", "directory /w"));
}

TEST(WatchTable, StaleEventsOfADroppedWatchAreNotAttributedToItsSuccessor) {
  WatchTable table;
  table.bind("/w/a", 1);
  table.forget("/w/a");
  table.take_orphans();
  // The kernel gives the same number again while old events are still queued.
  table.bind("/w/b", 1);
  changes(table);
  table.apply(event(1, IN_CREATE, "old"));
  table.apply(event(1, IN_DELETE_SELF));
  EXPECT_THAT(changes(table), IsEmpty());
  table.apply(event(1, IN_IGNORED));
  table.apply(event(1, IN_CREATE, "new"));
  EXPECT_THAT(changes(table), ElementsAre("entry b new"));
}

TEST(WatchTable, EveryEndOfAWatchIsReportedOnce) {
  for (const uint32_t mask : {IN_DELETE_SELF, IN_MOVE_SELF, IN_UNMOUNT}) {
    WatchTable table;
    table.bind("/w", 1);
    table.apply(event(1, mask));
    table.apply(event(1, IN_IGNORED));
    EXPECT_THAT(changes(table), ElementsAre("directory ."));
    EXPECT_EQ(table.descriptors(), 0U);
  }
  WatchTable table;
  table.bind("/w", 1);
  table.apply(event(1, IN_IGNORED));
  EXPECT_THAT(changes(table), ElementsAre("directory ."));
  table.take_orphans();
  table.bind("/w", 1);
  table.apply(event(1, IN_MODIFY, "f"));
  EXPECT_THAT(changes(table), ElementsAre("content . f"));
}

TEST(WatchTable, RepeatedChangesAreToldOnce) {
  WatchTable table;
  table.bind("/w", 1);
  for (const uint32_t mask : {IN_MODIFY, IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE}) {
    table.apply(event(1, mask, "f"));
  }
  table.apply(event(1, IN_MODIFY, "g"));
  table.apply(event(1, IN_MODIFY, "f"));
  EXPECT_THAT(changes(table), ElementsAre("content . f", "content . g", "content . f"));
}

TEST(WatchTable, AnOverflowKeepsTheWatches) {
  WatchTable table;
  table.bind("/w", 1);
  table.apply(event(-1, IN_Q_OVERFLOW));
  table.apply(event(1, IN_CREATE, "f"));
  EXPECT_THAT(changes(table), ElementsAre("overflow", "entry . f"));
}

}  // namespace
}  // namespace kiln::watch
