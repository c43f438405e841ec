// FuzzSeeds: the seeds that a fuzz test goes through, and how one is replayed.
//
//   KILN_FUZZ_ROUNDS=100000 rules_run_fuzz    more seeds than by default
//   KILN_FUZZ_SEED=42 rules_run_fuzz          one seed again
//
// Threads: immutable.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace kiln::test {

class FuzzSeeds {
 public:
  explicit FuzzSeeds(uint64_t rounds_by_default)
      : only_(number("KILN_FUZZ_SEED")),
        rounds_(only_ ? 1 : number("KILN_FUZZ_ROUNDS").value_or(rounds_by_default)) {}

  uint64_t rounds() const { return rounds_; }
  bool is_replay() const { return only_.has_value(); }

  // `round(seed)` for each, up to the first in which an ASSERT_ failed. Whatever fails on this
  // thread says how to replay it.
  template <class Round>
  void for_each(Round round) const {
    const uint64_t first = only_.value_or(1);
    for (uint64_t seed = first; seed < first + rounds_; ++seed) {
      SCOPED_TRACE(how_to_replay(seed));
      round(seed);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  // For what fails on other threads.
  static std::string how_to_replay(uint64_t seed) {
    return "replay: KILN_FUZZ_SEED=" + std::to_string(seed);
  }

 private:
  static std::optional<uint64_t> number(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    return std::strtoull(text, nullptr, 10);
  }

  const std::optional<uint64_t> only_;
  const uint64_t rounds_;
};

}  // namespace kiln::test
