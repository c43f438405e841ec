#include <gmock/gmock.h>

#include <thread>

#include "tests/contract/store/stores_under_test.h"

namespace kiln::store {
namespace {

template <class T>
class BlobStoreContract : public StoreContract<T> {
 protected:
  std::string read(const FileDigest& digest, size_t limit) {
    auto reader = this->store_->blobs().reader(digest);
    EXPECT_TRUE(reader.ok()) << reader.error().to_string();
    EXPECT_EQ((*reader)->size(), digest.size);
    std::string all;
    for (;;) {
      auto bytes = (*reader)->next(limit);
      EXPECT_TRUE(bytes.ok());
      EXPECT_LE(bytes->size(), limit);
      if (bytes->empty()) return all;
      all += *bytes;
    }
  }
  bool is_missing(const FileDigest& digest) {
    return this->store_->blobs().find_missing(std::vector{digest})->size() == 1;
  }
};
TYPED_TEST_SUITE(BlobStoreContract, Implementations);

TYPED_TEST(BlobStoreContract, GivesBackWhatWasPut) {
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size);
    const FileDigest digest = this->put(content);
    EXPECT_EQ(digest, file_digest_of(content));
    EXPECT_EQ(*this->store_->blobs().get(digest), content) << size;
    EXPECT_EQ(this->read(digest, 10'000), content) << size;
    EXPECT_FALSE(this->is_missing(digest)) << size;
  }
}

TYPED_TEST(BlobStoreContract, GivesItBackAfterReopening) {
  for (const size_t size : sizes_to_try()) this->put(content_of(size));
  this->reopen();
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size);
    EXPECT_FALSE(this->is_missing(file_digest_of(content))) << size;
    EXPECT_EQ(*this->store_->blobs().get(file_digest_of(content)), content) << size;
  }
}

TYPED_TEST(BlobStoreContract, WhatIsWrittenInPiecesIsTheSame) {
  for (const size_t size : sizes_to_try()) {
    const std::string content = content_of(size, 2);
    auto writer = *this->store_->blobs().writer();
    for (size_t at = 0; at < size; at += 30'000) {
      ASSERT_TRUE(writer->append(std::string_view(content).substr(at, 30'000)).ok());
    }
    EXPECT_EQ(*writer->finish(), file_digest_of(content));
    EXPECT_EQ(*this->store_->blobs().get(file_digest_of(content)), content);
  }
}

TYPED_TEST(BlobStoreContract, AWriterDroppedUnfinishedLeavesNothing) {
  const std::string content = content_of(1 << 20, 3);
  {
    auto writer = *this->store_->blobs().writer();
    ASSERT_TRUE(writer->append(content).ok());
  }
  EXPECT_TRUE(this->is_missing(file_digest_of(content)));
  if (std::filesystem::exists(this->at("store/tmp"))) {
    EXPECT_TRUE(std::filesystem::is_empty(this->at("store/tmp")));
  }
}

TYPED_TEST(BlobStoreContract, TheEmptyBlobIsAlwaysThere) {
  EXPECT_EQ(*this->store_->blobs().get(FileDigest()), "");
  EXPECT_EQ(this->read(FileDigest(), 10), "");
  EXPECT_FALSE(this->is_missing(FileDigest()));
}

TYPED_TEST(BlobStoreContract, AMissIsNotFoundAndNamesTheDigest) {
  for (const size_t size : {size_t{10}, size_t{100'000}}) {
    const FileDigest digest = file_digest_of(content_of(size, 4));
    for (const auto& error : {this->store_->blobs().get(digest).error(),
                              this->store_->blobs().reader(digest).error()}) {
      EXPECT_EQ(error.code(), ErrorCode::kNotFound);
      EXPECT_THAT(error.message(), testing::HasSubstr(to_string(digest)));
    }
  }
}

TYPED_TEST(BlobStoreContract, AWrongSizeIsAMissAndDoesNoHarm) {
  for (const size_t size : {size_t{10}, size_t{100'000}}) {
    const std::string content = content_of(size, 5);
    const FileDigest right = this->put(content);
    for (const int64_t wrong_size :
         {int64_t{1}, right.size + 1, int64_t{200'000}, right.size - 1}) {
      FileDigest wrong = right;
      wrong.size = wrong_size;
      EXPECT_TRUE(this->is_missing(wrong)) << wrong_size;
      EXPECT_EQ(this->store_->blobs().get(wrong).error().code(), ErrorCode::kNotFound);
    }
    EXPECT_EQ(*this->store_->blobs().get(right), content);
    EXPECT_FALSE(this->is_missing(right));
  }
}

TYPED_TEST(BlobStoreContract, FindMissingKeepsToWhatIsMissing) {
  std::vector<FileDigest> all, expected;
  for (uint64_t i = 0; i < 2000; ++i) {
    const std::string content = content_of(i % 100 == 0 ? 70'000 : 20, 100 + i);
    if (i % 3 == 0) {
      all.push_back(this->put(content));
    } else {
      all.push_back(file_digest_of(content));
      expected.push_back(all.back());
    }
  }
  EXPECT_THAT(*this->store_->blobs().find_missing(all),
              testing::UnorderedElementsAreArray(expected));
  EXPECT_TRUE(this->store_->blobs().find_missing({})->empty());
}

TYPED_TEST(BlobStoreContract, ContentTooLargeForMemoryIsReadInPieces) {
  const std::string piece = content_of(1 << 20, 6);
  auto writer = *this->store_->blobs().writer();
  for (int i = 0; i < 65; ++i) ASSERT_TRUE(writer->append(piece).ok());
  const FileDigest digest = *writer->finish();
  EXPECT_EQ(digest.size, 65 << 20);
  EXPECT_EQ(this->store_->blobs().get(digest).error().code(), ErrorCode::kResourceExhausted);
  Sha256Hasher hasher;
  hasher.update(this->read(digest, 1 << 20));
  EXPECT_EQ(hasher.finish(), digest);
}

TYPED_TEST(BlobStoreContract, ManyThreadsMayPutTheSame) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < 40; ++i) {
        const std::string content = content_of(i % 2 == 0 ? 500 : 70'000, 50 + i / 2);
        auto digest = this->store_->blobs().put(content);
        ASSERT_TRUE(digest.ok()) << digest.error().to_string();
        auto got = this->store_->blobs().get(*digest);
        ASSERT_TRUE(got.ok()) << got.error().to_string();
        ASSERT_EQ(*got, content);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(this->log_.text(), "");
}

}  // namespace
}  // namespace kiln::store
