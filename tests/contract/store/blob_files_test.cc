#include <gmock/gmock.h>

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
      const auto made = this->files().materialize(digest, executable, this->work(), name.c_str());
      ASSERT_TRUE(made.ok()) << made.error().to_string();
      const struct stat st = this->stat_of(name);
      const bool large = digest.size >= kLargeContent;
      EXPECT_EQ(st.st_mode & 07777, executable ? (large ? 0555u : 0755u) : (large ? 0444u : 0644u));
      EXPECT_EQ(st.st_mtim.tv_sec, kFileTime);
      EXPECT_EQ(st.st_mtim.tv_nsec, 0);
      EXPECT_EQ(*read_file(this->at(name)), content);
    }
  }
  ::umask(old_mask);
}

TYPED_TEST(BlobFilesContract, CopiesOutWhatMayBeWritten) {
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size);
    const FileDigest digest = this->put(content);
    for (const bool executable : {false, true}) {
      const std::string name = std::to_string(size) + (executable ? "x" : "");
      ASSERT_TRUE(this->files().copy_out(digest, executable, this->work(), name.c_str()).ok());
      const struct stat st = this->stat_of(name);
      EXPECT_EQ(st.st_mode & 07777, executable ? 0755u : 0644u);
      EXPECT_EQ(st.st_mtim.tv_sec, kFileTime);
      EXPECT_EQ(st.st_nlink, 1u);
      EXPECT_EQ(*read_file(this->at(name)), content);
      this->write(name, "overwritten");
      EXPECT_EQ(*this->store_->blobs().get(digest), content);
    }
  }
}

TYPED_TEST(BlobFilesContract, AFileInTheWayIsAlreadyExistsAndStays) {
  this->write("there", "mine");
  ASSERT_EQ(::symlinkat("nowhere", this->work(), "link"), 0);
  for (const size_t size : {size_t{10}, size_t{100'000}}) {
    const FileDigest digest = this->put(content_of(size));
    for (const char* name : {"there", "link"}) {
      EXPECT_EQ(this->files().materialize(digest, true, this->work(), name).error().code(),
                ErrorCode::kAlreadyExists);
      EXPECT_EQ(this->files().copy_out(digest, false, this->work(), name).error().code(),
                ErrorCode::kAlreadyExists);
    }
  }
  EXPECT_EQ(*read_file(this->at("there")), "mine");
  EXPECT_FALSE(std::filesystem::exists(this->at("nowhere")));
}

TYPED_TEST(BlobFilesContract, AMissLeavesNoFile) {
  for (const size_t size : {size_t{10}, size_t{100'000}}) {
    const FileDigest digest = file_digest_of(content_of(size, 9));
    EXPECT_EQ(this->files().materialize(digest, false, this->work(), "f").error().code(),
              ErrorCode::kNotFound);
    EXPECT_EQ(this->files().materialize(digest, true, this->work(), "f").error().code(),
              ErrorCode::kNotFound);
    EXPECT_EQ(this->files().copy_out(digest, false, this->work(), "f").error().code(),
              ErrorCode::kNotFound);
    EXPECT_FALSE(std::filesystem::exists(this->at("f")));
  }
}

TYPED_TEST(BlobFilesContract, AdoptsFilesOfEverySize) {
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size, 7);
    this->write("out", content);
    const auto adopted = this->files().adopt(this->work(), "out");
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
  const auto adopted = this->files().adopt(this->work(), "out");
  ASSERT_TRUE(adopted.ok()) << adopted.error().to_string();
  this->write("other", "written through the other name");
  EXPECT_EQ(*this->store_->blobs().get(*adopted), content);
}

TYPED_TEST(BlobFilesContract, AdoptsWhatItMaterialized) {
  const std::string content = content_of(100'000, 8);
  const FileDigest digest = this->put(content);
  ASSERT_TRUE(this->files().materialize(digest, false, this->work(), "copy").ok());
  EXPECT_EQ(*this->files().adopt(this->work(), "copy"), digest);
  EXPECT_EQ(*this->store_->blobs().get(digest), content);
}

TYPED_TEST(BlobFilesContract, AdoptsRegularFilesOnly) {
  this->write("target", "x");
  ASSERT_EQ(::symlinkat("target", this->work(), "link"), 0);
  ASSERT_EQ(::mkdirat(this->work(), "dir", 0755), 0);
  ASSERT_EQ(::mkfifoat(this->work(), "fifo", 0644), 0);
  for (const char* name : {"link", "dir", "fifo"}) {
    EXPECT_EQ(this->files().adopt(this->work(), name).error().code(),
              ErrorCode::kFailedPrecondition)
        << name;
  }
  EXPECT_EQ(this->files().adopt(this->work(), "absent").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace kiln::store
