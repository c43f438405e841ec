#include "daemon/store/digest_set.h"

#include <gtest/gtest.h>

#include "common/types/hash.h"

namespace kiln::store {
namespace {

Sha256 hash_of(int n) { return sha256(std::to_string(n)); }

TEST(DigestSet, KnowsWhatItWasToldAndNotWhatWasTakenBack) {
  DigestSet set;
  set.insert(hash_of(1));
  EXPECT_TRUE(set.contains(hash_of(1)));
  EXPECT_FALSE(set.contains(hash_of(2)));
  set.erase(hash_of(1));
  EXPECT_FALSE(set.contains(hash_of(1)));
}

TEST(DigestSet, ForgetsRatherThanGrows) {
  constexpr int kMost = 160;
  DigestSet set(kMost);
  int known = 0;
  for (int n = 0; n < 10'000; ++n) {
    set.insert(hash_of(n));
    ASSERT_TRUE(set.contains(hash_of(n)));
  }
  for (int n = 0; n < 10'000; ++n) known += set.contains(hash_of(n)) ? 1 : 0;
  EXPECT_LE(known, kMost);
  EXPECT_GT(known, 0);
}

}  // namespace
}  // namespace kiln::store
