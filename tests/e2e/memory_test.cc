// A daemon whose memo may not grow: what it drops it makes again, and its answers stay right.
#include <gtest/gtest.h>

#include "tests/support/kiln_fixture.h"

namespace kiln::test {
namespace {

class Memory : public KilnTest {
 protected:
  int64_t memo_nodes() { return kiln_json({"daemon", "status", "--json"}).at("memo_nodes"); }
  // One edit and a question about it, `times` times.
  void edit(int times) {
    for (int i = 0; i < times; ++i) {
      const std::string content = "edit " + std::to_string(++edits_) + "\n";
      write("src/f" + std::to_string(edits_ % 7) + ".txt", content);
      const Outcome shown = kiln(
          {"exec", "--input", "src/*", "--", "cat", "src/f" + std::to_string(edits_ % 7) + ".txt"});
      ASSERT_EQ(shown.out, content) << shown.err;
    }
  }
  int edits_ = 0;
};

TEST_F(Memory, EditsDoNotMakeTheMemoGrowBeyondItsBudgets) {
  environment()["KILN_MEMO_NODES"] = "400";
  environment()["KILN_MEMO_BYTES"] = "20000";
  edit(7);
  edit(300);
  // Above the budget by what came since the last sweep, half as much again, and what is in use.
  EXPECT_LT(memo_nodes(), 800);
  EXPECT_GT(counter("memo.forgotten"), 0);
  EXPECT_GT(counter("memo.evicted"), 0);
}

// Each edit makes a tree of the directory, which is a param of what is asked for and so in keys.
TEST_F(Memory, EditsInABigDirectoryDoNotEither) {
  environment()["KILN_MEMO_NODES"] = "400";
  for (int i = 0; i < 300; ++i) write("src/other" + std::to_string(i) + ".txt", "");
  edit(60);
  const int64_t bytes = kiln_json({"daemon", "status", "--json"}).at("memo_bytes");
  EXPECT_LT(bytes, 3 << 20)
      << "a KiB for each node of the budget, and what came since it was swept";
  EXPECT_GT(counter("memo.forgotten"), 60);
}

TEST_F(Memory, WhatWasEvictedIsMadeAgainWithoutRunningAProcessAgain) {
  environment()["KILN_MEMO_BYTES"] = "1";
  edit(1);
  const int64_t ran = counter("process.ran");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(kiln({"exec", "--input", "src/*", "--", "cat", "src/f1.txt"}).out, "edit 1\n");
  }
  EXPECT_EQ(counter("process.ran"), ran) << "the action cache knows it still";
  EXPECT_GT(counter("memo.evicted"), 0);
}

}  // namespace
}  // namespace kiln::test
