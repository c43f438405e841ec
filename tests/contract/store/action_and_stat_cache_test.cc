#include <gmock/gmock.h>

#include <limits>

#include "tests/contract/store/stores_under_test.h"
#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

Digest action(std::string_view text) { return directory_digest_of(text); }

template <class T>
using ActionCacheContract = StoreContract<T>;
TYPED_TEST_SUITE(ActionCacheContract, Implementations);

TYPED_TEST(ActionCacheContract, GivesBackEveryField) {
  const ActionResult result{.exit_code = -9,
                            .stdout_digest = file_digest_of("out"),
                            .stderr_digest = file_digest_of("err"),
                            .output_digest = directory_digest_of("tree"),
                            .missing_outputs = {"a", "", std::string("b\0c", 3), "ü"},
                            .wall_seconds = 1.25,
                            .user_seconds = 1e-9,
                            .system_seconds = 3e300,
                            .peak_memory_bytes = std::numeric_limits<int64_t>::max()};
  EXPECT_EQ(*this->store_->actions().get(action("one")), std::nullopt);
  ASSERT_TRUE(this->store_->actions().put(action("one"), result).ok());
  ASSERT_TRUE(this->store_->actions().put(action("two"), ActionResult()).ok());
  this->reopen();
  EXPECT_EQ(*this->store_->actions().get(action("one")), result);
  EXPECT_EQ(*this->store_->actions().get(action("two")), ActionResult());
  ASSERT_TRUE(this->store_->actions().put(action("one"), ActionResult()).ok());
  EXPECT_EQ(*this->store_->actions().get(action("one")), ActionResult());
}

TYPED_TEST(ActionCacheContract, RemovedIsAMiss) {
  ASSERT_TRUE(this->store_->actions().put(action("one"), {}).ok());
  ASSERT_TRUE(this->store_->actions().remove(action("one")).ok());
  EXPECT_EQ(*this->store_->actions().get(action("one")), std::nullopt);
  EXPECT_TRUE(this->store_->actions().remove(action("never there")).ok());
}

TYPED_TEST(ActionCacheContract, CompletenessCheckingServesOnlyWhatIsComplete) {
  Store& store = *this->store_;
  auto checked = make_completeness_checking(store.actions(), store.blobs(), store.trees());
  const TreePtr outputs = tree({file("bin/tool", "tool", true), file("bin/data", "data")});
  const ActionResult result{.stdout_digest = file_digest_of("out"),
                            .stderr_digest = FileDigest(),
                            .output_digest = outputs->digest()};
  const auto served = [&] { return checked->get(action("a"))->has_value(); };
  ASSERT_TRUE(checked->put(action("a"), result).ok());
  EXPECT_FALSE(served());
  this->put("out");
  this->put("tool");
  EXPECT_FALSE(served());
  ASSERT_TRUE(store.trees().save(outputs).ok());
  EXPECT_FALSE(served());
  this->put("data");
  EXPECT_TRUE(served());
  EXPECT_EQ(*checked->get(action("a")), result);
  EXPECT_FALSE(checked->get(action("b"))->has_value());
}

template <class T>
using StatCacheContract = StoreContract<T>;
TYPED_TEST_SUITE(StatCacheContract, Implementations);

constexpr FileStat kStat{.device = 1, .inode = 2, .size = 3, .mtime_ns = 4, .ctime_ns = 5};

TYPED_TEST(StatCacheContract, BelievesAnEntryOnlyIfTheWholeStatIsEqual) {
  StatCache& stats = this->store_->stats();
  const FileDigest digest = file_digest_of("x");
  EXPECT_EQ(stats.get("/a", kStat), std::nullopt);
  stats.put("/a", kStat, digest);
  EXPECT_EQ(stats.get("/a", kStat), digest);
  EXPECT_EQ(stats.get("/b", kStat), std::nullopt);
  for (int field = 0; field < 5; ++field) {
    FileStat other = kStat;
    if (field == 0) ++other.device;
    if (field == 1) ++other.inode;
    if (field == 2) ++other.size;
    if (field == 3) ++other.mtime_ns;
    if (field == 4) ++other.ctime_ns;
    EXPECT_EQ(stats.get("/a", other), std::nullopt) << field;
  }
}

TYPED_TEST(StatCacheContract, RemembersThousandsAcrossReopening) {
  const auto path = [](int i) { return "/some/dir/" + std::to_string(i); };
  for (int i = 0; i < 3000; ++i) {
    this->store_->stats().put(path(i), kStat, file_digest_of("old"));
    this->store_->stats().put(path(i), kStat, file_digest_of(path(i)));
    ASSERT_EQ(this->store_->stats().get(path(i), kStat), file_digest_of(path(i)));
  }
  for (const bool reopened : {false, true}) {
    for (int i = 0; i < 3000; ++i) {
      ASSERT_EQ(this->store_->stats().get(path(i), kStat), file_digest_of(path(i)))
          << i << " " << reopened;
    }
    this->reopen();
  }
}

}  // namespace
}  // namespace kiln::store
