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
  // A thread tells that its work is done a moment before it is idle, so the first posts may miss
  // it.
  for (int times = 0; times < 2;) {
    std::promise<int> done;
    threads.post([&] {
      thread_local int served = 0;
      done.set_value(++served);
    });
    times = done.get_future().get();
  }
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
