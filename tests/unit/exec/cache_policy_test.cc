// The table of cache scopes, row by row.
#include "daemon/exec/cache_policy.h"

#include <gtest/gtest.h>

#include <set>

namespace kiln::exec {
namespace {

constexpr auto kAllScopes = {CacheScope::kSuccessful,
                             CacheScope::kAlways,
                             CacheScope::kLocalSuccessful,
                             CacheScope::kLocalAlways,
                             CacheScope::kPerRestartSuccessful,
                             CacheScope::kPerRestartAlways,
                             CacheScope::kPerSession};

RunResult ended(int exit_code, bool timed_out = false) {
  RunResult run;
  run.result.exit_code = exit_code;
  run.timed_out = timed_out;
  return run;
}

TEST(CachePolicyTest, EveryScopeHasARowAndAName) {
  EXPECT_EQ(kAllScopes.size(), enum_names(CacheScope()).size());
}

TEST(CachePolicyTest, ASuccessReachesAsFarAsItsScopeSays) {
  const auto reach = [](CacheScope scope) { return reach_of(scope, ending_of(ended(0))); };
  EXPECT_EQ(reach(CacheScope::kSuccessful), Reach::kShared);
  EXPECT_EQ(reach(CacheScope::kAlways), Reach::kShared);
  EXPECT_EQ(reach(CacheScope::kLocalSuccessful), Reach::kStore);
  EXPECT_EQ(reach(CacheScope::kLocalAlways), Reach::kStore);
  EXPECT_EQ(reach(CacheScope::kPerRestartSuccessful), Reach::kDaemon);
  EXPECT_EQ(reach(CacheScope::kPerRestartAlways), Reach::kDaemon);
  EXPECT_EQ(reach(CacheScope::kPerSession), Reach::kRun);
}

TEST(CachePolicyTest, AFailureReachesFurtherThanItsRunOnlyUnderAlways) {
  const auto reach = [](CacheScope scope) { return reach_of(scope, ending_of(ended(3))); };
  EXPECT_EQ(reach(CacheScope::kSuccessful), Reach::kRun);
  EXPECT_EQ(reach(CacheScope::kAlways), Reach::kShared);
  EXPECT_EQ(reach(CacheScope::kLocalSuccessful), Reach::kRun);
  EXPECT_EQ(reach(CacheScope::kLocalAlways), Reach::kStore);
  EXPECT_EQ(reach(CacheScope::kPerRestartSuccessful), Reach::kRun);
  EXPECT_EQ(reach(CacheScope::kPerRestartAlways), Reach::kDaemon);
  EXPECT_EQ(reach(CacheScope::kPerSession), Reach::kRun);
}

TEST(CachePolicyTest, ADeathByASignalAndATimeoutReachNoFurtherThanTheirRun) {
  for (const CacheScope scope : kAllScopes) {
    EXPECT_EQ(reach_of(scope, ending_of(ended(-9))), Reach::kRun);
    EXPECT_EQ(reach_of(scope, ending_of(ended(124, true))), Reach::kRun);
    EXPECT_EQ(reach_of(scope, ending_of(ended(0, true))), Reach::kRun);
  }
}

TEST(CachePolicyTest, WhatMustNotBeSharedHasASaltOfItsOwn) {
  std::set<std::string_view> stored;
  std::set<std::string_view> others;
  for (const CacheScope scope : kAllScopes) {
    (widest_reach(scope) >= Reach::kStore ? stored : others).insert(policy_of(scope).salt);
  }
  EXPECT_EQ(stored, std::set<std::string_view>{""});
  EXPECT_EQ(others, (std::set<std::string_view>{"restart", "session"}));
}

}  // namespace
}  // namespace kiln::exec
