#include <gmock/gmock.h>
#include <sys/mman.h>

#include "daemon/store/file_time.h"
#include "tests/contract/store/stores_under_test.h"

namespace kiln::store {
namespace {

template <class T>
class BlobFilesContract : public StoreContract<T> {
 protected:
  struct stat stat_of(const std::string& name) {
    struct stat st = {};
    EXPECT_EQ(::fstatat(this->work(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW), 0) << name;
    return st;
  }
  BlobFiles& files() { return this->store_->files(); }
};
TYPED_TEST_SUITE(BlobFilesContract, Implementations);

TYPED_TEST(BlobFilesContract, MaterializesContentModeAndTime) {
  const mode_t old_mask = ::umask(077);  // must not matter
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size);
    const FileDigest digest = this->put(content);
    for (const bool executable : {false, true}) {
      const std::string name = std::to_string(size) + (executable ? "x" : "");
      const auto made =
          this->files().materialize(digest, executable, this->work(), name.c_str(), {});
      ASSERT_TRUE(made.ok()) << made.error().to_string();
      const struct stat st = this->stat_of(name);
      EXPECT_EQ(st.st_mode & 07777, executable ? 0755u : 0644u);
      EXPECT_EQ(st.st_mtim.tv_sec, file_time(digest));
      EXPECT_EQ(st.st_mtim.tv_nsec, 0);
      EXPECT_EQ(*read_file(this->at(name)), content);
    }
  }
  ::umask(old_mask);
}

TYPED_TEST(BlobFilesContract, WhatItMaterializesMayBeWritten) {
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size);
    const FileDigest digest = this->put(content);
    for (const char* name : {"one", "two"}) {
      ASSERT_TRUE(this->files().materialize(digest, false, this->work(), name, {}).ok());
    }
    EXPECT_NE(this->stat_of("one").st_ino, this->stat_of("two").st_ino);
    EXPECT_EQ(this->stat_of("one").st_nlink, 1u);
    this->write("one", "overwritten");
    EXPECT_EQ(*read_file(this->at("two")), content);
    EXPECT_EQ(*this->store_->blobs().get(digest), content);
    for (const char* name : {"one", "two"}) ::unlinkat(this->work(), name, 0);
  }
}

TYPED_TEST(BlobFilesContract, HolesStayHolesOnEveryWay) {
  // Data, a hole, data, and a hole at the end.
  constexpr size_t kSize = size_t{16} << 20;
  std::string content(kSize, '\0');
  content.replace(0, 4096, content_of(4096));
  content.replace(kSize / 2, 4096, content_of(4096, 2));
  constexpr int64_t kFew = 1024;  // blocks of 512 bytes
  const auto expect_sparse = [&](const std::string& name) {
    EXPECT_LT(this->stat_of(name).st_blocks, kFew) << name;
    EXPECT_TRUE(*read_file(this->at(name)) == content) << name;
  };
  {
    const UniqueFd made = open_file(this->at("made"), O_WRONLY | O_CREAT, 0644).value();
    ASSERT_EQ(::pwrite(made.get(), content.data(), 4096, 0), 4096);
    ASSERT_EQ(::pwrite(made.get(), content.data() + kSize / 2, 4096, kSize / 2), 4096);
    ASSERT_EQ(::ftruncate(made.get(), kSize), 0);
  }
  ASSERT_LT(this->stat_of("made").st_blocks, kFew) << "this file system has no holes";
  const auto digest = this->files().adopt(this->work(), "made", {});
  ASSERT_TRUE(digest.ok()) << digest.error().to_string();
  ASSERT_EQ(*digest, file_digest_of(content));
  ASSERT_TRUE(this->files().materialize(*digest, false, this->work(), "adopted", {}).ok());
  expect_sparse("adopted");

  // The same content as a stream, in pieces that do not fit blocks.
  content.replace(kSize / 4, 1, "x");
  const auto writer = *this->store_->blobs().writer();
  for (size_t at = 0; at < kSize; at += 100'000) {
    ASSERT_TRUE(writer->append(std::string_view(content).substr(at, 100'000)).ok());
  }
  const auto streamed = writer->finish();
  ASSERT_EQ(*streamed, file_digest_of(content));
  const UniqueFd copy = open_file(this->at("copy"), O_WRONLY | O_CREAT, 0644).value();
  ASSERT_TRUE(this->files().copy_into(*streamed, copy.get(), "copy", {}).ok());
  expect_sparse("copy");
}

TYPED_TEST(BlobFilesContract, ACancelledFileIsNotThere) {
  std::stop_source stop;
  stop.request_stop();
  const FileDigest digest = this->put(content_of(100'000));
  const auto made = this->files().materialize(digest, false, this->work(), "in", stop.get_token());
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(this->at("in")));
  this->write("out", content_of(100'000, 3));
  const auto adopted = this->files().adopt(this->work(), "out", stop.get_token());
  ASSERT_FALSE(adopted.ok());
  EXPECT_EQ(adopted.error().code(), ErrorCode::kCancelled);
}

TYPED_TEST(BlobFilesContract, AFileInTheWayIsAlreadyExistsAndStays) {
  this->write("there", "mine");
  ASSERT_EQ(::symlinkat("nowhere", this->work(), "link"), 0);
  for (const size_t size : {size_t{10}, size_t{100'000}}) {
    const FileDigest digest = this->put(content_of(size));
    for (const char* name : {"there", "link"}) {
      EXPECT_EQ(this->files().materialize(digest, true, this->work(), name, {}).error().code(),
                ErrorCode::kAlreadyExists);
    }
  }
  EXPECT_EQ(*read_file(this->at("there")), "mine");
  EXPECT_FALSE(std::filesystem::exists(this->at("nowhere")));
}

TYPED_TEST(BlobFilesContract, AMissLeavesNoFile) {
  for (const size_t size : {size_t{10}, size_t{100'000}}) {
    const FileDigest digest = file_digest_of(content_of(size, 9));
    EXPECT_EQ(this->files().materialize(digest, false, this->work(), "f", {}).error().code(),
              ErrorCode::kNotFound);
    EXPECT_EQ(this->files().materialize(digest, true, this->work(), "f", {}).error().code(),
              ErrorCode::kNotFound);
    EXPECT_FALSE(std::filesystem::exists(this->at("f")));
  }
}

TYPED_TEST(BlobFilesContract, AdoptsFilesOfEverySize) {
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size, 7);
    this->write("out", content);
    const auto adopted = this->files().adopt(this->work(), "out", {});
    ASSERT_TRUE(adopted.ok()) << adopted.error().to_string();
    EXPECT_EQ(*adopted, file_digest_of(content));
    EXPECT_EQ(*this->store_->blobs().get(*adopted), content);
    ::unlinkat(this->work(), "out", 0);
    EXPECT_EQ(*this->store_->blobs().get(*adopted), content);
  }
}

TYPED_TEST(BlobFilesContract, AdoptsAFileThatHasOtherNames) {
  const std::string content = content_of(100'000, 8);
  this->write("out", content);
  ASSERT_EQ(::linkat(this->work(), "out", this->work(), "other", 0), 0);
  const auto adopted = this->files().adopt(this->work(), "out", {});
  ASSERT_TRUE(adopted.ok()) << adopted.error().to_string();
  this->write("other", "written through the other name");
  EXPECT_EQ(*this->store_->blobs().get(*adopted), content);
}

TYPED_TEST(BlobFilesContract, AdoptsACopyOfWhatSomebodyCanStillWrite) {
  const std::string content = content_of(100'000, 9);
  this->write("out", content);
  const UniqueFd fd = open_file(this->at("out"), O_RDWR).value();
  void* const mapping = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  ASSERT_NE(mapping, MAP_FAILED);
  const auto adopted = this->files().adopt(this->work(), "out", {});
  ASSERT_TRUE(adopted.ok()) << adopted.error().to_string();
  EXPECT_EQ(*adopted, file_digest_of(content));
  static_cast<char*>(mapping)[10] ^= 1;
  ::munmap(mapping, 4096);
  EXPECT_EQ(*this->store_->blobs().get(*adopted), content);
}

TYPED_TEST(BlobFilesContract, AdoptsWhatItMaterialized) {
  const std::string content = content_of(100'000, 8);
  const FileDigest digest = this->put(content);
  ASSERT_TRUE(this->files().materialize(digest, false, this->work(), "copy", {}).ok());
  EXPECT_EQ(*this->files().adopt(this->work(), "copy", {}), digest);
  EXPECT_EQ(*this->store_->blobs().get(digest), content);
}

TYPED_TEST(BlobFilesContract, AdoptsRegularFilesOnly) {
  this->write("target", "x");
  ASSERT_EQ(::symlinkat("target", this->work(), "link"), 0);
  ASSERT_EQ(::mkdirat(this->work(), "dir", 0755), 0);
  ASSERT_EQ(::mkfifoat(this->work(), "fifo", 0644), 0);
  for (const char* name : {"link", "dir", "fifo"}) {
    EXPECT_EQ(this->files().adopt(this->work(), name, {}).error().code(),
              ErrorCode::kFailedPrecondition)
        << name;
  }
  EXPECT_EQ(this->files().adopt(this->work(), "absent", {}).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace kiln::store
