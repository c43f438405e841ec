#include <gmock/gmock.h>

#include "tests/contract/store/stores_under_test.h"

namespace kiln::store {
namespace {

using testing::HasSubstr;

class RocksOpen : public StoreContract<OnRocks> {
 protected:
  std::string store_path() const { return at("store"); }
  Error refusal(const std::string& path) {
    auto opened = open_rocks_store({.path = path}, log_);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? internal_error("it opened") : opened.error();
  }
};

TEST_F(RocksOpen, IsForItsOwnerAlone) {
  struct stat st;
  for (const char* name : {"store", "store/files", "store/tmp"}) {
    ASSERT_EQ(::stat(at(name).c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0700u) << name;
  }
}

TEST_F(RocksOpen, RefusesANewerFormatAndLeavesItAlone) {
  store_.reset();
  write("store/FORMAT", "2\n");
  const Error error = refusal(store_path());
  EXPECT_EQ(error.code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(error.message(), HasSubstr("newer kiln"));
  EXPECT_THAT(error.message(), HasSubstr(store_path()));
  EXPECT_EQ(*read_file(at("store/FORMAT")), "2\n");
}

TEST_F(RocksOpen, SaysHowToStartOverWhenTheFormatIsUnreadable) {
  store_.reset();
  write("store/FORMAT", "?");
  EXPECT_THAT(refusal(store_path()).message(), HasSubstr("move " + store_path() + " away"));
}

TEST_F(RocksOpen, NamesADirectoryThatCannotBeMade) {
  EXPECT_THAT(refusal(at("no/parent")).message(),
              HasSubstr("cannot make the store " + at("no/parent")));
  write("file", "");
  const Error error = refusal(at("file"));
  EXPECT_THAT(error.message(), HasSubstr(at("file")));
  EXPECT_THAT(error.message(), HasSubstr("Not a directory"));
}

TEST_F(RocksOpen, ClearsWhatAnEarlierLifeLeftUnfinished) {
  store_.reset();
  write("store/tmp/77", "half");
  reopen();
  EXPECT_TRUE(std::filesystem::is_empty(at("store/tmp")));
}

TEST_F(RocksOpen, RepairsADatabaseWhoseManifestIsDamaged) {
  const FileDigest digest = put("content");
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(at("store/db"))) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    write("store/db/" + entry.path().filename().string(), content_of(1000));
  }
  reopen();
  ASSERT_NE(store_, nullptr);
  EXPECT_THAT(log_.text(), HasSubstr("is damaged"));
  const auto got = store_->blobs().get(digest);
  if (got.ok()) EXPECT_EQ(*got, "content");
  EXPECT_EQ(*store_->blobs().get(put("other content")), "other content");
  reopen();
  EXPECT_EQ(*store_->blobs().get(file_digest_of("other content")), "other content");
}

TEST_F(RocksOpen, ADatabaseThatCannotBeRepairedSaysHowToStartOver) {
  store_.reset();
  std::filesystem::remove_all(at("store/db"));
  write("store/db", "a file where the database should be");
  const Error error = refusal(store_path());
  EXPECT_THAT(error.message(), HasSubstr(store_path() + "/db"));
}

}  // namespace
}  // namespace kiln::store
