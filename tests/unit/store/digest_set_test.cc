#include "daemon/store/digest_set.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "common/types/hash.h"

namespace kiln::store {
namespace {

Sha256 hash_of(int n) { return sha256(std::to_string(n)); }

TEST(DigestSet, KnowsWhatItWasToldAndNotWhatWasTakenBack) {
  DigestSet set(64);
  set.insert(hash_of(1));
  EXPECT_TRUE(set.contains(hash_of(1)));
  EXPECT_FALSE(set.contains(hash_of(2)));
  set.erase(hash_of(1));
  EXPECT_FALSE(set.contains(hash_of(1)));
}

TEST(DigestSet, ForgetsRatherThanGrows) {
  constexpr int kMost = 128;
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

TEST(DigestSet, ForgetsLittleBeforeItIsHalfFull) {
  constexpr int kMost = 1 << 14;
  DigestSet set(kMost);
  int known = 0;
  for (int n = 0; n < kMost / 2; ++n) set.insert(hash_of(n));
  for (int n = 0; n < kMost / 2; ++n) known += set.contains(hash_of(n)) ? 1 : 0;
  EXPECT_GT(known, kMost / 2 * 97 / 100);
}

TEST(DigestSet, IsSharedByThreads) {
  DigestSet set(1 << 12);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&set, thread] {
        for (int n = 0; n < 20'000; ++n) {
          const Sha256 hash = hash_of(n % 100 + thread * 100);
          set.insert(hash);
          if (n % 3 == 0) set.erase(hash);
        }
      });
    }
  }
  for (int n = 0; n < 400; ++n) {
    set.erase(hash_of(n));
    EXPECT_FALSE(set.contains(hash_of(n)));
  }
}

}  // namespace
}  // namespace kiln::store
