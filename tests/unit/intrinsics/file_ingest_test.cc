// FileIngest and HostTools: content read whole, and remembered only when the stat stands for it.
#include "daemon/intrinsics/files/file_ingest.h"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/mman.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "daemon/intrinsics/host/host_tools.h"
#include "daemon/os/shared_mapping.h"
#include "tests/support/engine_fixture.h"

namespace kiln::intrinsics {
namespace {

class Ingest : public test::EngineFixture {
 protected:
  os::Stat stat(std::string_view path) { return **os::stat_beneath(disk_.fd(), rel(path)); }
  Result<std::optional<store::File>> read(std::string_view path, std::stop_token stop = {}) {
    auto ingested = ingest_.read(disk_.fd(), rel(path), disk_.path(path), std::move(stop));
    if (!ingested.ok()) return ingested.error();
    return ingested->file;
  }
  FileIngest ingest_{*store_, fs_counters_};
};

TEST_F(Ingest, ASettledFileIsRemembered) {
  write("f", "content");
  settle();
  const auto file = *read("f");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(*store_->blobs().get(file->digest), "content");
  EXPECT_EQ(ingest_.known(disk_.path("f"), stat("f")), file);
}

TEST_F(Ingest, ARacilyCleanFileIsNot) {
  write("f", "content");
  ASSERT_TRUE((*read("f")).has_value());
  EXPECT_FALSE(ingest_.known(disk_.path("f"), stat("f")).has_value());
}

TEST_F(Ingest, AnotherStateOfTheFileIsNotKnown) {
  write("f", "content");
  settle();
  ASSERT_TRUE((*read("f")).has_value());
  write("f", "CONTENT");
  EXPECT_FALSE(ingest_.known(disk_.path("f"), stat("f")).has_value());
}

TEST_F(Ingest, AFileThatIsOpenForWritingIsNotRemembered) {
  write("f", "content");
  settle();
  {
    const UniqueFd writer = *open_file(disk_.path("f"), O_WRONLY);
    EXPECT_TRUE((*ingest_.read(disk_.fd(), rel("f"), disk_.path("f"), {})).open_for_writing);
    EXPECT_FALSE(ingest_.known(disk_.path("f"), stat("f")).has_value());
  }
  const UniqueFd reader = *open_file(disk_.path("f"), O_RDONLY);
  EXPECT_FALSE((*ingest_.read(disk_.fd(), rel("f"), disk_.path("f"), {})).open_for_writing);
  EXPECT_TRUE(ingest_.known(disk_.path("f"), stat("f")).has_value());
}

// There a mapping that loads a page before it stores into it leaves no trace in the stat.
TEST_F(Ingest, AFileInMemoryIsNotRemembered) {
  const auto memory = test::TempDirectory::in_memory();
  if (os::stores_move_times(memory.fd())) GTEST_SKIP() << "no tmpfs here";
  memory.write("f", "old");
  settle();
  const auto read = [&] {
    return *store_->blobs().get(
        ingest_.read(memory.fd(), rel("f"), memory.path("f"), {})->file->digest);
  };
  EXPECT_EQ(read(), "old");
  const os::Stat before = **os::stat_beneath(memory.fd(), rel("f"));
  {
    const UniqueFd fd = *open_file(memory.path("f"), O_RDWR);
    auto* mapping = static_cast<volatile char*>(
        ::mmap(nullptr, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
    ASSERT_EQ(mapping[0], 'o');
    mapping[0] = 'O';
    ::munmap(const_cast<char*>(mapping), 3);
  }
  EXPECT_EQ(**os::stat_beneath(memory.fd(), rel("f")), before);
  EXPECT_FALSE(ingest_.known(memory.path("f"), before).has_value());
  EXPECT_EQ(read(), "Old");
}

TEST_F(Ingest, WhatIsNoRegularFileIsNothingAndHangsNobody) {
  ::mkfifo(disk_.path("fifo").c_str(), 0600);
  disk_.make_directory("dir");
  link("dir", "link");
  link("nowhere", "dead");
  for (const char* name : {"fifo", "dir", "link", "dead", "missing", "dir/missing"}) {
    const auto file = read(name);
    ASSERT_TRUE(file.ok()) << name << ": " << file.error().to_string();
    EXPECT_FALSE(file->has_value()) << name;
  }
}

// Root reads everything; on this thread it is somebody else for a while.
class AsNobody {
 public:
  AsNobody() { ::setfsuid(65534); }
  ~AsNobody() { ::setfsuid(::geteuid()); }
};

TEST_F(Ingest, AFileThatCannotBeReadIsTheUsersToMakeReadable) {
  write("closed", "c");
  ::chmod(disk_.path("closed").c_str(), 0);
  ::chmod(disk_.path().c_str(), 0755);
  const AsNobody nobody;
  const auto file = read("closed");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(file.error().blame(), Blame::kUser);
  EXPECT_EQ(file.error().message(),
            "cannot open closed: Permission denied; make it readable, or exclude it with "
            "'!closed'");
}

TEST_F(Ingest, AFileThatKeepsGrowingEndsInAnErrorThatNamesIt) {
  write("growing", "");
  // Reading it takes so long that it surely grows meanwhile.
  std::filesystem::resize_file(disk_.path("growing"), uintmax_t{200} << 20);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    std::ofstream out(disk_.path("growing"), std::ios::app);
    while (!stop) out << "more" << std::flush;
  });
  const auto began = std::chrono::steady_clock::now();
  const auto file = read("growing");
  stop = true;
  writer.join();
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.error().message(), testing::HasSubstr("growing changed each of the"));
  EXPECT_EQ(file.error().code(), ErrorCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

// Each event of the file would have the graph compute its node again.
TEST_F(Ingest, ACaptureOfAFileThatKeepsGrowingIsRefusedOnce) {
  write("growing", "");
  std::filesystem::resize_file(disk_.path("growing"), uintmax_t{100} << 20);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    std::ofstream out(disk_.path("growing"), std::ios::app);
    while (!stop) {
      out << "more" << std::flush;
      watcher_->synchronize();
    }
  });
  const auto began = std::chrono::steady_clock::now();
  const auto refused = try_capture({"**"});
  stop = true;
  writer.join();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("growing changed each of the"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST_F(Ingest, ReadingALargeFileCanBeCancelled) {
  write("large", std::string(8 << 20, 'x'));
  std::stop_source stop;
  stop.request_stop();
  const auto file = read("large", stop.get_token());
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), ErrorCode::kCancelled);
}

// Every byte of a version is the same, so a mix of two versions shows.
bool whole(std::string_view bytes, size_t size) {
  return bytes.size() == size && bytes.find_first_not_of(bytes.front()) == std::string_view::npos;
}

TEST_F(Ingest, AFileThatIsReplacedWhileItIsReadIsNeverMixed) {
  for (const size_t size : {size_t{4} << 10, size_t{1} << 20}) {
    write("f", std::string(size, 'a'));
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      for (int i = 0; !stop; ++i) {
        write("next", std::string(size, static_cast<char>('a' + i % 26)));
        rename("next", "f");
      }
    });
    for (int i = 0; i < 30; ++i) {
      const auto file = read("f");
      if (!file.ok()) {  // the writer was quicker, every time
        EXPECT_THAT(file.error().message(), testing::HasSubstr("changed each of the"));
        continue;
      }
      EXPECT_TRUE(file->has_value() && whole(*store_->blobs().get((*file)->digest), size));
    }
    stop = true;
    writer.join();
    const auto file = read("f");
    ASSERT_TRUE(file.ok() && file->has_value());
    EXPECT_TRUE(whole(*store_->blobs().get((*file)->digest), size));
  }
}

// In place a reader may see a write that has begun and not ended. What counts is the end.
TEST_F(Ingest, AFileThatIsHammeredInPlaceIsReadAgainOrRefusedAndRightInTheEnd) {
  const size_t size = size_t{1} << 20;
  write("f", std::string(size, 'a'));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    const UniqueFd fd = *open_file(disk_.path("f"), O_WRONLY);
    for (int i = 0; !stop; ++i) {
      const std::string version(size, static_cast<char>('a' + i % 26));
      EXPECT_EQ(::pwrite(fd.get(), version.data(), size, 0), static_cast<ssize_t>(size));
    }
  });
  for (int i = 0; i < 10; ++i) {
    const auto file = read("f");
    if (!file.ok()) {
      EXPECT_THAT(file.error().message(), testing::HasSubstr("changed each of the"));
    }
    EXPECT_FALSE(ingest_.known(disk_.path("f"), stat("f")).has_value());
  }
  stop = true;
  writer.join();
  const auto file = read("f");
  ASSERT_TRUE(file.ok() && file->has_value());
  const std::string bytes = *store_->blobs().get((*file)->digest);
  EXPECT_TRUE(whole(bytes, size));
  EXPECT_EQ(bytes, *read_file(disk_.path("f")));
}

TEST_F(Ingest, AnEditedToolIsHashedAgain) {
  HostTools tools(fs_counters_);
  write("tool", "one");
  settle();
  EXPECT_EQ(*tools.digest(disk_.path("tool")), *store_->blobs().put("one"));
  EXPECT_EQ(*tools.digest(disk_.path("tool")), *store_->blobs().put("one"));
  write("tool", "two");
  EXPECT_EQ(*tools.digest(disk_.path("tool")), *store_->blobs().put("two"));
  // At once, with the same length: within one timestamp the stat may be equal.
  for (int i = 0; i < 200; ++i) {
    const std::string content(1, static_cast<char>('a' + i % 26));
    write("tool", content);
    EXPECT_EQ(*tools.digest(disk_.path("tool")), *store_->blobs().put(content));
  }
}

TEST_F(Ingest, AToolThatIsMissingIsNamed) {
  HostTools tools(fs_counters_);
  const auto digest = tools.digest(disk_.path("none"));
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(digest.error().message(), testing::HasSubstr(disk_.path("none")));
}

}  // namespace
}  // namespace kiln::intrinsics
