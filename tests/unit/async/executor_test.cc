#include "daemon/async/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "daemon/async/one_shot.h"
#include "daemon/async/scope.h"
#include "daemon/async/signal.h"
#include "daemon/async/sync_wait.h"
#include "daemon/async/when_all.h"

namespace kiln {
namespace {

Task<int> value_on(Executor& executor, int n) {
  co_await resume_on(executor);
  co_return n;
}

TEST(Task, IsLazy) {
  bool ran = false;
  const auto body = [](bool& flag) -> Task<int> {
    flag = true;
    co_return 1;
  };
  { Task<int> dropped = body(ran); }
  EXPECT_FALSE(ran);
  ThreadPool pool("test", 1);
  EXPECT_EQ(sync_wait(pool, body(ran)), 1);
  EXPECT_TRUE(ran);
}

Task<int> deep(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await deep(n - 1);
}

TEST(Task, DeepRecursionDoesNotUseTheStack) {
  ThreadPool pool("test", 1);
  EXPECT_EQ(sync_wait(pool, deep(2000)), 2000);
}

TEST(WhenAll, ResultsComeInTheOrderOfTheTasks) {
  ManualExecutor manual;
  Scope scope;
  std::vector<int> got;
  const auto body = [](Executor& executor, std::vector<int>& out) -> Task<void> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(value_on(executor, i));
    out = co_await when_all(std::move(tasks));
  };
  scope.spawn(manual, body(manual, got));
  manual.step();
  ASSERT_EQ(manual.pending(), 3u);
  manual.step_at(2);
  manual.step_at(0);
  EXPECT_TRUE(got.empty());
  manual.drain();
  EXPECT_EQ(got, (std::vector<int>{0, 1, 2}));
  scope.join();
}

TEST(WhenAll, OfNothingIsNothing) {
  ThreadPool pool("test", 1);
  EXPECT_TRUE(sync_wait(pool, when_all(std::vector<Task<int>>())).empty());
}

TEST(WhenAll, DifferentTypes) {
  ThreadPool pool("test", 2);
  const auto body = [](Executor& executor) -> Task<std::string> {
    auto [n, s] = co_await when_all(value_on(executor, 7), [](Executor& e) -> Task<std::string> {
      co_await resume_on(e);
      co_return "seven";
    }(executor));
    co_return s + std::to_string(n);
  };
  EXPECT_EQ(sync_wait(pool, body(pool)), "seven7");
}

TEST(OneShot, SetAndAwaitMayRace) {
  ThreadPool pool("test", 2);
  for (int i = 0; i < 2000; ++i) {
    OneShot<int> shot;
    Scope scope;
    int got = 0;
    scope.spawn(pool, [](OneShot<int>& s, int& out) -> Task<void> { out = co_await s; }(shot, got));
    scope.spawn(pool, [](OneShot<int>& s, int n) -> Task<void> {
      s.set(n);
      co_return;
    }(shot, i));
    scope.join();
    ASSERT_EQ(got, i);
  }
}

TEST(Signal, WakesWhoeverWaitsAndIsKeptForWhoWillWait) {
  ManualExecutor executor;
  Signal signal(executor);
  Scope scope;
  int woken = 0;
  signal.set();
  signal.set();
  scope.spawn(executor, [](Signal& s, int& n) -> Task<void> {
    for (; n < 2; ++n) co_await s;
  }(signal, woken));
  executor.drain();
  EXPECT_EQ(woken, 1);  // two that nobody waited for count as one
  signal.set();
  EXPECT_EQ(woken, 1);  // never inside set()
  executor.drain();
  EXPECT_EQ(woken, 2);
  scope.join();
}

TEST(Signal, IsNeverLost) {
  constexpr int kRounds = 5000;
  ThreadPool pool("test", 2);
  Signal ball(pool);
  Signal back(pool);
  Scope scope;
  int played = 0;
  // Strictly in turns: two signals before a wait would count as one.
  scope.spawn(pool, [](Signal& there, Signal& here, int& n) -> Task<void> {
    for (; n < kRounds; ++n) {
      there.set();
      co_await here;
    }
  }(ball, back, played));
  scope.spawn(pool, [](Signal& here, Signal& there) -> Task<void> {
    for (int n = 0; n < kRounds; ++n) {
      co_await here;
      there.set();
    }
  }(ball, back));
  scope.join();
  EXPECT_EQ(played, kRounds);
}

TEST(Scope, JoinWaitsForAllAndRefusesMore) {
  ThreadPool pool("test", 2);
  std::atomic<int> ended{0};
  Scope scope;
  const auto body = [](Executor& executor, std::atomic<int>& n) -> Task<void> {
    co_await resume_on(executor);
    ++n;
  };
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(scope.spawn(pool, body(pool, ended)));
  scope.join();
  EXPECT_EQ(ended, 100);
  EXPECT_FALSE(scope.spawn(pool, body(pool, ended)));
}

TEST(RunBlocking, RunsThereAndResumesHome) {
  ThreadPool home("home", 1);
  ThreadPool blocking("blocking", 1);
  const auto body = [](Executor& b,
                       Executor& h) -> Task<std::pair<std::thread::id, std::thread::id>> {
    const std::thread::id there =
        co_await run_blocking(b, h, [] { return std::this_thread::get_id(); });
    co_return std::pair(there, std::this_thread::get_id());
  };
  const auto [there, here] = sync_wait(home, body(blocking, home));
  EXPECT_NE(there, here);
}

}  // namespace
}  // namespace kiln
