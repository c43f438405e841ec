// What disks and processes do to stored bytes: wrong bytes are never served.
#include <gmock/gmock.h>

#include <sys/time.h>

#include <functional>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "daemon/store/file_time.h"
#include "daemon/store/rocks_db.h"
#include "daemon/store/tree_contents.h"
#include "tests/contract/store/stores_under_test.h"
#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

using testing::HasSubstr;
namespace reapi = build::bazel::remote::execution::v2;

template <class D>
std::string key_of(const D& digest) {
  return {reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size()};
}

class Damage : public StoreContract<OnRocks> {
 protected:
  std::string large_file(const FileDigest& digest) {
    const std::string hex = to_hex(digest.hash);
    return at("store/files/" + hex.substr(0, 2) + "/" + hex);
  }
  // Writes past the store's back, as a process that is root can.
  static void flip_a_byte(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR));
    ASSERT_TRUE(fd.valid()) << path;
    char byte;
    ASSERT_EQ(::pread(fd.get(), &byte, 1, 1000), 1);
    byte = static_cast<char>(byte ^ 1);
    ASSERT_EQ(::pwrite(fd.get(), &byte, 1, 1000), 1);
  }
  static void set_store_time(const std::string& path) {
    const struct timespec times[2] = {{kFixedTime, 0}, {kFixedTime, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  // Puts a record into the closed database.
  void write_raw(Table table, const std::string& key, const std::string& value) {
    store_.reset();
    {
      auto db = RocksDb::open(at("store/db"), 1 << 20, log_);
      ASSERT_TRUE(db.ok()) << db.error().to_string();
      rocksdb::WriteBatch batch;
      (*db)->put(batch, table, key, value);
      ASSERT_TRUE((*db)->write(batch).ok());
    }
    reopen();
  }
  void expect_a_miss(const FileDigest& digest) {
    const auto got = store_->blobs().get(digest);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(store_->blobs().find_missing(std::vector{digest})->size(), 1u);
    EXPECT_THAT(log_.text(), HasSubstr("damaged"));
  }
};

TEST_F(Damage, ALargeFileWithAnotherByteIsDropped) {
  const std::string content = content_of(100'000);
  const FileDigest digest = put(content);
  ASSERT_EQ(*store_->blobs().get(digest), content);
  flip_a_byte(large_file(digest));
  expect_a_miss(digest);
  EXPECT_EQ(put(content), digest);
  EXPECT_EQ(*store_->blobs().get(digest), content);
}

TEST_F(Damage, ALargeFileWhoseTimeWasSetBackIsDropped) {
  // As `cp -p` does it: size, mode and mtime are right.
  const std::string content = content_of(100'000);
  const FileDigest digest = put(content);
  ASSERT_EQ(*store_->blobs().get(digest), content);
  flip_a_byte(large_file(digest));
  set_store_time(large_file(digest));
  const auto made = store_->files().materialize(digest, false, work(), "input", {});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(put(content), digest);
  EXPECT_EQ(*store_->blobs().get(digest), content);
}

TEST_F(Damage, ALargeFileReplacedByAnotherIsDropped) {
  const std::string content = content_of(100'000);
  const FileDigest digest = put(content);
  ASSERT_EQ(*store_->blobs().get(digest), content);
  write("other", content_of(100'000, 2));
  ASSERT_EQ(::chmod(at("other").c_str(), 0444), 0);
  set_store_time(at("other"));
  ASSERT_EQ(::rename(at("other").c_str(), large_file(digest).c_str()), 0);
  const auto got = store_->blobs().get(digest);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), ErrorCode::kNotFound);
}

TEST_F(Damage, ALargeFileOnlyTouchedIsRestored) {
  const std::string content = content_of(100'000);
  const FileDigest digest = put(content);
  ASSERT_EQ(::chmod(large_file(digest).c_str(), 0777), 0);
  ASSERT_EQ(::utimensat(AT_FDCWD, large_file(digest).c_str(), nullptr, 0), 0);
  EXPECT_EQ(*store_->blobs().get(digest), content);
  struct stat st;
  ASSERT_EQ(::stat(large_file(digest).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0444u);
  EXPECT_EQ(st.st_mtim.tv_sec, kFixedTime);
}

TEST_F(Damage, ALargeFileTruncatedIsDropped) {
  const FileDigest digest = put(content_of(100'000));
  ASSERT_EQ(::truncate(large_file(digest).c_str(), 70'000), 0);
  expect_a_miss(digest);
}

TEST_F(Damage, ALargeFileRottenBetweenLivesIsDroppedAtFirstUse) {
  // As a disk or a power loss does it: size and time are right.
  const FileDigest digest = put(content_of(100'000));
  store_.reset();
  flip_a_byte(large_file(digest));
  set_store_time(large_file(digest));
  reopen();
  expect_a_miss(digest);
}

// Puts something that is no regular file in place of a large file.
struct Impostor {
  const char* name;
  void (*make)(const std::string& path);
};
const Impostor kImpostors[] = {
    {"a dead symlink",
     [](const std::string& path) { std::filesystem::create_symlink("/no/where", path); }},
    {"a symlink to itself",
     [](const std::string& path) { std::filesystem::create_symlink(path, path); }},
    {"a fifo", [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }},
    {"a socket",
     [](const std::string& path) { ASSERT_EQ(::mknod(path.c_str(), S_IFSOCK | 0600, 0), 0); }},
    {"a directory",
     [](const std::string& path) { std::filesystem::create_directories(path + "/with/entries"); }},
};

TEST_F(Damage, WhatIsNoRegularFileIsDroppedAndMadeAgain) {
  for (const Impostor& impostor : kImpostors) {
    SCOPED_TRACE(impostor.name);
    const std::string content = content_of(100'000);
    const FileDigest digest = put(content);
    ASSERT_EQ(::unlink(large_file(digest).c_str()), 0);
    impostor.make(large_file(digest));
    EXPECT_EQ(store_->blobs().get(digest).error().code(), ErrorCode::kNotFound);
    EXPECT_THAT(log_.text(), HasSubstr("no regular file"));
    EXPECT_EQ(put(content), digest);
    EXPECT_EQ(*store_->blobs().get(digest), content);
  }
}

TEST_F(Damage, WhatIsNoRegularFileDoesNotCountAsStored) {
  for (const Impostor& impostor : kImpostors) {
    SCOPED_TRACE(impostor.name);
    const std::string content = content_of(100'000);
    const FileDigest digest = put(content);
    ASSERT_EQ(::unlink(large_file(digest).c_str()), 0);
    impostor.make(large_file(digest));
    const auto writer = store_->blobs().writer();
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->append(content).ok());
    ASSERT_EQ(*(*writer)->finish(), digest);
    EXPECT_EQ(*store_->blobs().get(digest), content);
  }
}

TEST_F(Damage, DirectoriesOfTheStoreThatAreRemovedAreMadeAgain) {
  const std::string content = content_of(100'000);
  const FileDigest digest = put(content);
  const std::vector<std::string> all = {"store/tmp", "store/files",
                                        "store/files/" + to_hex(digest.hash).substr(0, 2)};
  for (const std::string& directory : all) {
    SCOPED_TRACE(directory);
    std::filesystem::remove_all(at(directory));
    put(content);
    EXPECT_EQ(*store_->blobs().get(digest), content);
    ASSERT_TRUE(store_->files().materialize(digest, true, work(), "tool", {}).ok());
    ASSERT_EQ(::unlinkat(work(), "tool", 0), 0);
    write("made", content_of(200'000));
    ASSERT_TRUE(store_->files().adopt(work(), "made", {}).ok());
    EXPECT_EQ(*store_->blobs().get(file_digest_of(content_of(200'000))), content_of(200'000));
  }
  // A file in place of a directory is as much in the way.
  std::filesystem::remove_all(at(all[2]));
  write(all[2], "a file");
  EXPECT_EQ(store_->blobs().get(digest).error().code(), ErrorCode::kNotFound);
  put(content);
  EXPECT_EQ(*store_->blobs().get(digest), content);
}

TEST_F(Damage, OneLossIsAReasonToFindAll) {
  std::vector<Entry> entries;
  for (int i = 0; i < 40; ++i) {
    const size_t size = i % 4 == 0 ? 100'000 : 3'000;
    entries.push_back({"f" + std::to_string(i), File{put(content_of(size, i)), false}});
  }
  const TreePtr all = Tree::make(entries);
  EXPECT_EQ(*find_losses(store_->blobs(), *all, {}), 0u);
  for (int i = 0; i < 40; ++i) {
    const auto& digest = std::get<File>(entries[i].node).digest;
    if (i % 4 == 0) {
      ASSERT_EQ(::unlink(large_file(digest).c_str()), 0);
    } else {
      write_raw(Table::kBlobs, key_of(digest), "garbage");
    }
  }
  EXPECT_EQ(*find_losses(store_->blobs(), *all, {}), 40u);
  EXPECT_EQ(store_->blobs().find_missing(contents_named_by(*all))->size(), 40u);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(find_losses(store_->blobs(), *all, stop.get_token()).error().code(),
            ErrorCode::kCancelled);
}

TEST_F(Damage, ASmallRecordWithOtherBytesIsDropped) {
  for (const std::string& garbage : {std::string("garbage"), std::string(), content_of(500, 99)}) {
    const std::string content = content_of(500);
    const FileDigest digest = put(content);
    write_raw(Table::kBlobs, key_of(digest), garbage);
    EXPECT_EQ(store_->files().materialize(digest, false, work(), "f", {}).error().code(),
              ErrorCode::kNotFound);
    expect_a_miss(digest);
    EXPECT_EQ(put(content), digest);
    EXPECT_EQ(*store_->blobs().get(digest), content);
  }
}

TEST_F(Damage, PuttingTheRightBytesMendsARecordThatNobodyHasReadYet) {
  const std::string content = content_of(500);
  const FileDigest digest = put(content);
  write_raw(Table::kBlobs, key_of(digest), "garbage");
  EXPECT_EQ(put(content), digest);
  EXPECT_EQ(*store_->blobs().get(digest), content);
}

TEST_F(Damage, ADamagedTableFileIsAMissNotACrash) {
  std::vector<FileDigest> digests;
  for (uint64_t i = 0; i < 2000; ++i) digests.push_back(put(content_of(1000, 1000 + i)));
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(at("store/db"))) {
    if (entry.path().extension() == ".sst" && entry.file_size() > 100'000)
      flip_a_byte(entry.path());
  }
  reopen();
  ASSERT_NE(store_, nullptr);
  size_t lost = 0;
  for (uint64_t i = 0; i < digests.size(); ++i) {
    const auto got = store_->blobs().get(digests[i]);
    if (got.ok()) {
      EXPECT_EQ(*got, content_of(1000, 1000 + i));
    } else {
      EXPECT_EQ(got.error().code(), ErrorCode::kNotFound);
      ++lost;
      EXPECT_EQ(put(content_of(1000, 1000 + i)), digests[i]);
      EXPECT_TRUE(store_->blobs().get(digests[i]).ok());
    }
  }
  EXPECT_GT(lost, 0u);
  EXPECT_LT(lost, 100u);
}

TEST_F(Damage, FoundByACompactionIsRepairedByTheNextOpen) {
  for (uint64_t i = 0; i < 500; ++i) put(content_of(1000, i));
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(at("store/db"))) {
    if (entry.path().extension() == ".sst" && entry.file_size() > 100'000) {
      flip_a_byte(entry.path());
    }
  }
  // Every life leaves a table; RocksDB compacts when there are a few.
  for (uint64_t life = 0; life < 12; ++life) {
    reopen();
    ASSERT_NE(store_, nullptr);
    for (uint64_t i = 0; i < 50; ++i) {
      (void)store_->blobs().put(content_of(1000, life * 100 + i));
    }
  }
  EXPECT_THAT(log_.text(), HasSubstr("dropping what cannot be read"));
  reopen();
  for (uint64_t i = 0; i < 2000; ++i) {
    const auto digest = store_->blobs().put(content_of(1000, i));
    ASSERT_TRUE(digest.ok()) << digest.error().to_string();
  }
}

TEST_F(Damage, TableFilesThatAreCutOrRemovedAreAMissAndNoTroubleAfterwards) {
  const TreePtr root = tree({file("a/b", "x")});
  const auto cut = [](const std::string& path) { ASSERT_EQ(::truncate(path.c_str(), 100), 0); };
  const auto empty = [](const std::string& path) { ASSERT_EQ(::truncate(path.c_str(), 0), 0); };
  const auto remove = [](const std::string& path) { ASSERT_EQ(::unlink(path.c_str()), 0); };
  const std::vector<std::function<void(const std::string&)>> harms = {cut, empty, remove};
  for (const auto& harm : harms) {
    const FileDigest digest = put(content_of(1000));
    ASSERT_TRUE(store_->trees().save(root).ok());
    store_.reset();  // writes the tables
    int tables = 0;
    for (const auto& entry : std::filesystem::directory_iterator(at("store/db"))) {
      if (entry.path().extension() != ".sst") continue;
      harm(entry.path());
      ++tables;
    }
    EXPECT_GT(tables, 1);
    reopen();
    ASSERT_NE(store_, nullptr);
    EXPECT_EQ(store_->blobs().get(digest).error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(store_->trees().load(root->digest()).error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(put(content_of(1000)), digest);
    EXPECT_EQ(*store_->blobs().get(digest), content_of(1000));
    ASSERT_TRUE(store_->trees().save(root).ok());
    EXPECT_EQ(flat(*store_->trees().load(root->digest())), flat(root));
  }
}

TEST_F(Damage, ATreeWithADamagedPartIsDroppedAndCanBeSavedAgain) {
  const TreePtr root = tree({file("a/b/c", "x"), file("d", "y")});
  ASSERT_TRUE(store_->trees().save(root).ok());
  const Digest below = std::get<TreePtr>(*root->find(path_of("a/b")))->digest();
  write_raw(Table::kTrees, key_of(below), "garbage");
  EXPECT_EQ(store_->trees().load(root->digest()).error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(log_.text(), HasSubstr(to_string(below)));
  ASSERT_TRUE(store_->trees().save(root).ok());
  reopen();
  EXPECT_EQ(flat(*store_->trees().load(root->digest())), flat(root));
}

// A record whose digest is right, and which is no canonical directory.
TEST_F(Damage, HostileDirectoriesAreNotFound) {
  const auto add_file = [](reapi::Directory& directory, const std::string& name) {
    auto& node = *directory.add_files();
    node.set_name(name);
    node.mutable_digest()->set_hash(to_hex(file_digest_of("x").hash));
    node.mutable_digest()->set_size_bytes(1);
  };
  std::vector<reapi::Directory> hostile(6);
  add_file(hostile[0], "../../etc/passwd");
  add_file(hostile[1], "twice");
  add_file(hostile[1], "twice");
  add_file(hostile[2], "b");
  add_file(hostile[2], "a");
  add_file(hostile[3], "both");
  hostile[3].add_symlinks()->set_name("both");
  add_file(hostile[4], "f");
  hostile[4].mutable_node_properties()->add_properties()->set_name("n");
  add_file(hostile[5], "f");
  auto& absent = *hostile[5].add_directories();
  absent.set_name("absent");
  *absent.mutable_digest() = hostile[5].files(0).digest();
  for (const reapi::Directory& directory : hostile) {
    const std::string bytes = directory.SerializeAsString();
    const Digest digest = directory_digest_of(bytes);
    write_raw(Table::kTrees, key_of(digest), bytes);
    const auto loaded = store_->trees().load(digest);
    ASSERT_FALSE(loaded.ok()) << directory.DebugString();
    EXPECT_EQ(loaded.error().code(), ErrorCode::kNotFound);
  }
}

TEST_F(Damage, DamagedActionsAndStatsAreMisses) {
  const Digest action = directory_digest_of("action");
  const int64_t size = action.size;
  const std::string key =
      key_of(action) + std::string(reinterpret_cast<const char*>(&size), sizeof size);
  for (const std::string& garbage : {std::string(), std::string("garbage"), content_of(200)}) {
    write_raw(Table::kActions, key, garbage);
    EXPECT_EQ(*store_->actions().get(action), std::nullopt);
    write_raw(Table::kStats, "/path", garbage);
    EXPECT_EQ(store_->stats().get("/path", FileStat()), std::nullopt);
  }
}

}  // namespace
}  // namespace kiln::store
