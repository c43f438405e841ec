#include "daemon/exec/process_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

namespace kiln::exec {
namespace {

TEST(ProcessThreads, StartsWhatIsPostedHoweverManyWait) {
  constexpr int kMany = 20;
  std::latch all(kMany);
  ProcessThreads threads("test", 2);
  for (int i = 0; i < kMany; ++i) threads.post([&] { all.arrive_and_wait(); });
  all.wait();  // for ever, if one waited for the thread of another
}

TEST(ProcessThreads, UsesIdleThreadsAgain) {
  ProcessThreads threads("test", 2);
  std::set<std::thread::id> seen;
  for (int i = 0; i < 100; ++i) {
    std::promise<std::thread::id> done;
    threads.post([&] { done.set_value(std::this_thread::get_id()); });
    seen.insert(done.get_future().get());
  }
  EXPECT_LE(seen.size(), 3u);
}

TEST(ProcessThreads, RunsWhatWasPostedBeforeItGoes) {
  std::atomic<int> ran = 0;
  {
    ProcessThreads threads("test", 1);
    for (int i = 0; i < 50; ++i) threads.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 50);
}

}  // namespace
}  // namespace kiln::exec
