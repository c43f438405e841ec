// Cycles that several threads close at once.
#include <gtest/gtest.h>

#include <barrier>
#include <chrono>
#include <deque>
#include <thread>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

constexpr int kRounds = 100;

// Each round has nodes of its own, numbered from 1: node(round * kNodes + n) asks for those that
// `edges` names for n, all at once.
class CycleThreads : public testing::Test {
 protected:
  static constexpr int kNodes = 8;
  using Edges = std::map<int, std::vector<int>>;

  Edges edges;
  Record record;
  Leaves open;  // by node: 0 if the edges of the node are there
  Toy node{"node", record, [this](Context& context, int n) { return run_node(context, n); }};
  ThreadPool pool{"test", 3};
  Graph graph{pool};

  Task<Result<Computed>> run_node(Context& context, int n) {
    std::vector<Key> keys;
    if (open.get(n) == 0) {
      for (const int next : edges.at(n % kNodes)) keys.push_back(node(n - n % kNodes + next));
    }
    KILN_CO_ASSIGN(const std::vector<ValueRef> values, co_await context.get_all(std::move(keys)));
    int sum = n % kNodes;
    for (const ValueRef& value : values) sum += value_as<int>(value);
    co_return computed(sum);
  }
  void set_open(int n, int value) {
    open.set(n, value);
    const Hash128 hash = node(n).hash;
    graph.invalidate({&hash, 1});
  }

  // Each node of `asked`, by a thread of its own, all at the same time; the answers in that order.
  std::vector<Result<Answer>> ask_at_once(int round, const std::vector<int>& asked) {
    std::deque<std::optional<Asked>> requests(asked.size());
    std::barrier start(static_cast<ptrdiff_t>(asked.size()));
    std::vector<std::thread> threads;
    for (size_t i = 0; i < asked.size(); ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        requests[i].emplace(pool, graph, node(round * kNodes + asked[i]));
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<Result<Answer>> answers;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (const auto& request : requests) {
      while (!request->done() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
      }
      KILN_CHECK(request->done(), "a request never ended");
      answers.push_back(request->answer());
    }
    return answers;
  }
};

TEST_F(CycleThreads, AllWhoCloseOneTogetherHearOfIt) {
  edges = {{1, {2}}, {2, {3}}, {3, {4}}, {4, {1}}};
  for (int round = 1; round <= kRounds; ++round) {
    for (const Result<Answer>& answer : ask_at_once(round, {1, 2, 3, 4})) {
      ASSERT_FALSE(answer.ok());
      ASSERT_EQ(answer.error().code(), ErrorCode::kCycle);
    }
  }
}

TEST_F(CycleThreads, TwoThatShareANodeAreBothFound) {
  edges = {{1, {2, 4}}, {2, {3}}, {3, {1}}, {4, {5}}, {5, {1}}};
  for (int round = 1; round <= kRounds; ++round) {
    for (const Result<Answer>& answer : ask_at_once(round, {2, 4, 3, 5})) {
      ASSERT_FALSE(answer.ok());
      ASSERT_EQ(answer.error().code(), ErrorCode::kCycle);
    }
  }
}

TEST_F(CycleThreads, WhatOnlyMeetsAtOneNodeIsNone) {
  edges = {{1, {2, 3, 4}}, {2, {3, 4, 5}}, {3, {4, 5}}, {4, {5}}, {5, {}}};
  for (int round = 1; round <= kRounds; ++round) {
    for (const Result<Answer>& answer : ask_at_once(round, {5, 4, 3, 2, 1})) {
      ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    }
  }
}

TEST_F(CycleThreads, OneThatAppearsWithAChangeGoesAwayWithTheNext) {
  edges = {{1, {2}}, {2, {3}}, {3, {1}}};
  const std::vector<int> all = {1, 2, 3};
  for (int round = 1; round <= kRounds; ++round) {
    const int last = kNodes + 3;  // the same nodes in all rounds
    set_open(last, 1);
    const std::vector<Result<Answer>> answers = ask_at_once(1, all);
    for (size_t i = 0; i < all.size(); ++i) {
      ASSERT_TRUE(answers[i].ok()) << answers[i].error().to_string();
      ASSERT_EQ(value_as<int>(answers[i]->value), all[i] == 1 ? 6 : all[i] == 2 ? 5 : 3);
    }
    set_open(last, 0);
    for (const Result<Answer>& answer : ask_at_once(1, all)) {
      ASSERT_FALSE(answer.ok());
      ASSERT_EQ(answer.error().code(), ErrorCode::kCycle);
    }
  }
}

// The path between 1 and 3 turns round and back while both ends are asked for.
TEST_F(CycleThreads, APathThatTurnsRoundIsNone) {
  edges = {{1, {2}}, {2, {3}}, {3, {}}};
  Toy turning{"turning", record, [&](Context& context, int n) -> Task<Result<Computed>> {
                const bool down = open.get(0) == 0;
                if (n == (down ? 3 : 1)) co_return computed(n);
                KILN_CO_ASSIGN(const ValueRef next,
                               co_await context.get(turning(down ? n + 1 : n - 1)));
                co_return computed(value_as<int>(next) + n);
              }};
  std::vector<Hash128> hashes;
  for (int n = 1; n <= 3; ++n) hashes.push_back(turning(n).hash);
  for (int round = 0; round < kRounds; ++round) {
    std::deque<Asked> asked;
    for (int n = 1; n <= 3; ++n) asked.emplace_back(pool, graph, turning(n));
    open.set(0, 1 - open.get(0));
    graph.invalidate(hashes);
    for (int n = 3; n >= 1; --n) asked.emplace_back(pool, graph, turning(n));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (const Asked& one : asked) {
      while (!one.done() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
      ASSERT_TRUE(one.done());
      ASSERT_TRUE(one.answer().ok()) << one.answer().error().to_string();
    }
    ASSERT_EQ(asked.back().value(), open.get(0) == 0 ? 6 : 1);
  }
}

}  // namespace
}  // namespace kiln::graph
