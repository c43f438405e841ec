// Metadata as nodes: of whatever stands at a path, absent paths included.
#include <fcntl.h>

#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

namespace fs = std::filesystem;

class MetadataTest : public test::EngineFixture {
 protected:
  std::optional<PathMetadata> metadata(std::string_view path) {
    watcher_->synchronize();
    const auto answer = sync_wait(
        home_, graph_->request(files_.functions().metadata(workspace_, rel(path)), RunId{1}, {}));
    EXPECT_TRUE(answer.ok()) << answer.error().to_string();
    if (!answer.ok()) return std::nullopt;
    generation_ = answer->generation;
    return graph::value_as<MetadataState>(answer->value).metadata;
  }
  uint64_t generation_of(std::string_view path) {
    metadata(path);
    return generation_;
  }

 private:
  uint64_t generation_ = 0;
};

TEST_F(MetadataTest, DescribesWhateverIsThere) {
  write("dir/file", "content");
  ::chmod(disk_.path("dir/file").c_str(), 0750);
  link("nowhere", "dir/link");
  ASSERT_EQ(::mkfifo(disk_.path("dir/fifo").c_str(), 0600), 0);
  const auto file = metadata("dir/file");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind, os::FileKind::kFile);
  EXPECT_EQ(file->length, 7);
  EXPECT_EQ(file->mode, 0750u);
  EXPECT_GT(file->mtime_ns, 0);
  EXPECT_NE(file->inode, 0u);
  const auto directory = metadata("dir");
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->kind, os::FileKind::kDirectory);
  const auto link = metadata("dir/link");
  ASSERT_TRUE(link);
  EXPECT_EQ(link->kind, os::FileKind::kSymlink);
  EXPECT_EQ(link->target, "nowhere");
  const auto fifo = metadata("dir/fifo");
  ASSERT_TRUE(fifo);
  EXPECT_EQ(fifo->kind, os::FileKind::kOther);
  const auto root = metadata("");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->kind, os::FileKind::kDirectory);
}

TEST_F(MetadataTest, WhatIsAbsentIsAValueUntilItComes) {
  EXPECT_FALSE(metadata("a/b/c"));
  work();
  EXPECT_FALSE(metadata("a/b/c"));
  EXPECT_EQ(work(), test::Work());
  write("a/x", "x");
  EXPECT_FALSE(metadata("a/b/c"));
  write("a/b/c", "c");
  EXPECT_TRUE(metadata("a/b/c"));
  remove("a");
  EXPECT_FALSE(metadata("a/b/c"));
  write("a", "a file");
  EXPECT_FALSE(metadata("a/b/c"));
  remove("a");
  write("a/b/c", "c");
  EXPECT_TRUE(metadata("a/b/c"));
}

TEST_F(MetadataTest, BelowAFileOrALinkThereIsNothing) {
  write("dir/file", "x");
  link("dir", "link");
  EXPECT_FALSE(metadata("dir/file/below"));
  EXPECT_FALSE(metadata("link/file"));
  remove("link");
  write("link/file", "x");
  EXPECT_TRUE(metadata("link/file"));
}

TEST_F(MetadataTest, EveryChangeOfAFileIsSeen) {
  write("f", "one");
  settle();
  uint64_t last = generation_of("f");
  const auto expect_change = [&](const char* what) {
    const uint64_t now = generation_of("f");
    EXPECT_NE(now, last) << what;
    last = now;
  };
  ::chmod(disk_.path("f").c_str(), 0600);
  expect_change("mode");
  EXPECT_EQ(metadata("f")->mode, 0600u);
  fs::last_write_time(disk_.path("f"), fs::file_time_type::clock::now() - std::chrono::hours(1));
  expect_change("time");
  write("f", "longer");
  expect_change("length");
  EXPECT_EQ(metadata("f")->length, 6);
  write("g", "longer");
  rename("g", "f");
  expect_change("inode");
  for (int i = 0; i < 20; ++i) {
    write("f", "fonger");
    expect_change("content, within one timestamp");
  }
  remove("f");
  link("one", "f");
  expect_change("kind");
  EXPECT_EQ(metadata("f")->target, "one");
  remove("f");
  link("two", "f");
  expect_change("target");
}

TEST_F(MetadataTest, ADirectoryIsTheSameWhateverIsInIt) {
  write("dir/a", "x");
  const uint64_t generation = generation_of("dir");
  write("dir/b", "x");
  remove("dir/a");
  EXPECT_EQ(generation_of("dir"), generation);
  ::chmod(disk_.path("dir").c_str(), 0700);
  EXPECT_NE(generation_of("dir"), generation);
  EXPECT_EQ(metadata("dir")->mode, 0700u);
}

TEST_F(MetadataTest, TheModeOfTheRootIsSeen) {
  const uint64_t generation = generation_of("");
  ::chmod(disk_.path().c_str(), 0750);
  EXPECT_NE(generation_of(""), generation);
}

TEST_F(MetadataTest, ADirectoryThatMayBeSearchedAndNotReadIsLookedAtInEachRun) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  write("dir/f", "one");
  ::chmod(disk_.path("dir").c_str(), 0311);
  EXPECT_EQ(metadata("dir/f")->length, 3);
  ::chmod(disk_.path("dir").c_str(), 0755);
}

}  // namespace
}  // namespace kiln::intrinsics
