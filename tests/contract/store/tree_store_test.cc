#include <gmock/gmock.h>

#include "daemon/store/limits.h"
#include "tests/contract/store/stores_under_test.h"
#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

template <class T>
class TreeStoreContract : public StoreContract<T> {
 protected:
  TreeStore& trees() { return this->store_->trees(); }
};
TYPED_TEST_SUITE(TreeStoreContract, Implementations);

TYPED_TEST(TreeStoreContract, LoadsWhatWasSaved) {
  std::mt19937 random(5);
  std::map<Digest, FlatTree> saved;
  for (int i = 0; i < 200; ++i) {
    const TreePtr root = random_tree(random, 20);
    const auto done = this->trees().save(root);
    ASSERT_TRUE(done.ok()) << done.error().to_string();
    saved[root->digest()] = flat(root);
  }
  for (const bool reopened : {false, true}) {
    for (const auto& [digest, expected] : saved) {
      const auto loaded = this->trees().load(digest);
      ASSERT_TRUE(loaded.ok()) << reopened << loaded.error().to_string();
      EXPECT_EQ((*loaded)->digest(), digest);
      EXPECT_EQ(flat(*loaded), expected);
    }
    this->reopen();
  }
}

TYPED_TEST(TreeStoreContract, TheEmptyTreeIsAlwaysThere) {
  EXPECT_EQ((*this->trees().load(Digest()))->digest(), Digest());
  EXPECT_TRUE(this->trees().save(Tree::empty()).ok());
}

TYPED_TEST(TreeStoreContract, SubtreesCanBeLoadedAlone) {
  const TreePtr root = tree({file("a/b/c", "x"), file("d", "y")});
  ASSERT_TRUE(this->trees().save(root).ok());
  const Digest below = std::get<TreePtr>(*root->find(path_of("a/b")))->digest();
  EXPECT_EQ(flat(*this->trees().load(below)), flat(tree({file("c", "x")})));
}

TYPED_TEST(TreeStoreContract, EqualSubtreesAreOneObject) {
  const TreePtr one = tree({file("same/f", "x"), file("1", "")});
  const TreePtr two = tree({file("same/f", "x"), file("2", "")});
  ASSERT_TRUE(this->trees().save(one).ok());
  ASSERT_TRUE(this->trees().save(two).ok());
  const Digest first = one->digest();
  const Digest second = two->digest();
  this->reopen();
  const TreePtr a = *this->trees().load(first);
  const TreePtr b = *this->trees().load(second);
  EXPECT_EQ(flat(a), flat(one));
  if (TypeParam::kDurable) {
    EXPECT_EQ(std::get<TreePtr>(a->find("same")->node), std::get<TreePtr>(b->find("same")->node));
  }
}

TYPED_TEST(TreeStoreContract, AMissIsNotFoundAndNamesTheDigest) {
  const Digest digest = tree({file("never saved", "")})->digest();
  const auto loaded = this->trees().load(digest);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().message(), testing::HasSubstr(to_string(digest)));
}

TYPED_TEST(TreeStoreContract, RefusesTreesTooDeepToRecurseInto) {
  TreePtr deep = Tree::empty();
  for (uint32_t i = 0; i < kMaxTreeDepth; ++i) deep = Tree::make({{"d", deep}});
  EXPECT_TRUE(this->trees().save(deep).ok());
  const Digest deepest = deep->digest();
  deep = Tree::make({{"d", deep}});
  EXPECT_EQ(this->trees().save(deep).error().code(), ErrorCode::kInvalidArgument);
  deep.reset();
  this->reopen();
  EXPECT_EQ((*this->trees().load(deepest))->depth(), kMaxTreeDepth);
}

}  // namespace
}  // namespace kiln::store
