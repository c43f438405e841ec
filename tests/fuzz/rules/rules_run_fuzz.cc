// Running rules against a model: random programs for real coroutines, random timelines of changes,
// failures, queries and goals with params, cancellations, under a memory cap or none, on one
// thread in every order and on several. Every answer is that of the state which it names, and
// nothing runs without a reason that the model knows.
// tests/support/fuzz_seeds.h says how to ask for more rounds, and for one again.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>

#include "tests/fuzz/rules/run_watcher.h"
#include "tests/fuzz/rules/toy_client.h"
#include "tests/support/fuzz_seeds.h"

namespace kiln::rules::fuzz {
namespace {

using test::FuzzSeeds;

class Fuzz {
 public:
  enum class Memory { kAmple, kFewValues, kFewNodes };
  Fuzz(uint64_t seed, Memory memory)
      : seed_(seed),
        random_(seed),
        rules_(cells_, static_cast<int>(seed % kVariants)),
        watcher_(rules_.variant, memory != Memory::kAmple),
        graph_(executor_, {.value_bytes_cap = memory == Memory::kFewValues ? 400u : 0u,
                           .node_budget = memory == Memory::kFewNodes ? 10u : 0u,
                           .max_restarts = 100,
                           .observer = &watcher_}) {}

  // Returns what went wrong, or nothing.
  std::string run() {
    for (uint64_t round = 1; round <= 8 && problem().empty(); ++round) {
      between_rounds();
      interfere(RunId{round * 10});
      ask_quietly(RunId{round * 10 + 5});
    }
    return problem();
  }
  uint64_t forgotten() const { return graph_.stats().forgotten; }

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  Question any_question() {
    return random_question([this](int n) { return pick(n); }, static_cast<int>(seed_ % 1000));
  }
  std::string problem() const { return problem_.empty() ? watcher_.problem() : problem_; }
  void note(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }
  void set_cell() {
    const int cell = pick(kCells);
    watcher_.invalidated(cells_.leaf(cell));
    cells_.set(graph_, cell, pick(6) == 0 ? -1 : pick(4));
  }

  // What a run may not see change changes only here.
  void between_rounds() {
    const int whim = pick(3);
    const int today = pick(3);
    cells_.change(
        [&](State& state) {
          state.whim = whim;
          state.today = today;
        },
        nullptr, {});
    for (int changes = pick(3); changes > 0; --changes) set_cell();
  }

  // Questions, changes and cancellations, in an order that nobody planned.
  void interfere(RunId first) {
    watcher_.expect_anything();
    std::vector<std::unique_ptr<Client>> clients;
    const size_t wanted = static_cast<size_t>(pick(5));
    int changes = pick(9);
    while (clients.size() < wanted || executor_.pending() != 0) {
      if (clients.size() < wanted && (pick(4) == 0 || executor_.pending() == 0)) {
        clients.push_back(
            std::make_unique<Client>(executor_, graph_, rules_, cells_, any_question(),
                                     RunId{first.value + static_cast<uint64_t>(pick(3))}));
      }
      if (changes > 0 && pick(10) == 0) {
        set_cell();
        --changes;
      }
      if (pick(25) == 0 && !clients.empty()) {
        clients[static_cast<size_t>(pick(static_cast<int>(clients.size())))]->cancel();
      }
      if (executor_.pending() != 0) {
        executor_.step_at(static_cast<size_t>(pick(static_cast<int>(executor_.pending()))));
      }
    }
    for (const auto& client : clients) verify(*client);
  }

  // One at a time: what runs is what is needed, and the second time nothing.
  void ask_quietly(RunId run) {
    for (int i = 0; i < 8; ++i) {
      const Question question = any_question();
      for (int times = 0; times < 2; ++times) {
        watcher_.expect(question, cells_.now());
        Client client(executor_, graph_, rules_, cells_, question, run);
        executor_.drain();
        verify(client);
      }
    }
  }
  void verify(const Client& client) {
    if (!client.done()) return note("a question was never answered");
    const std::string verdict = client.verdict(rules_.variant);
    if (!verdict.empty()) note(verdict);
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  Cells cells_;
  Rules rules_;
  ManualExecutor executor_;
  Watcher watcher_;
  graph::Graph graph_;
  std::string problem_;
};

void fuzz(Fuzz::Memory memory) {
  uint64_t forgotten = 0;
  FuzzSeeds(150).for_each([&](uint64_t seed) {
    Fuzz timeline(seed, memory);
    ASSERT_EQ(timeline.run(), "");
    forgotten += timeline.forgotten();
  });
  EXPECT_EQ(forgotten > 0, memory == Fuzz::Memory::kFewNodes);
}

TEST(RulesRunFuzz, AgreesWithTheNaiveEvaluatorAndRunsNothingInVain) { fuzz(Fuzz::Memory::kAmple); }
TEST(RulesRunFuzz, AgreesWithTheNaiveEvaluatorUnderAMemoryCap) { fuzz(Fuzz::Memory::kFewValues); }
TEST(RulesRunFuzz, AgreesWithTheNaiveEvaluatorThoughNodesAreForgotten) {
  fuzz(Fuzz::Memory::kFewNodes);
}

// Clients on threads of their own, with options of their own, among changes; every answer is that
// of the state which it names.
void ask_among_changes(graph::Graph& graph, Executor& pool, const Rules& rules, Cells& cells,
                       uint64_t seed, RunId run) {
  std::mt19937_64 random(seed);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<uint64_t>(n)); };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(
        std::make_unique<Client>(pool, graph, rules, cells, random_question(pick, 1), run));
    if (pick(5) == 0) clients[static_cast<size_t>(pick(i + 1))]->cancel();
    if (pick(3) == 0) cells.set(graph, pick(kCells), pick(8) == 0 ? -1 : pick(4));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (const auto& client : clients) {
    while (!client->done() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    ASSERT_TRUE(client->done());
    ASSERT_EQ(client->verdict(rules.variant), "") << FuzzSeeds::how_to_replay(seed / 1000);
  }
}

TEST(RulesRunFuzz, ConcurrentClientsAreAnsweredOfTheStateThatTheyAreTold) {
  ThreadPool pool("fuzz", 2);
  FuzzSeeds(20).for_each([&](uint64_t seed) {
    Cells cells;
    const Rules rules(cells, static_cast<int>(seed % kVariants));
    graph::Graph graph(pool, {.value_bytes_cap = seed % 3 == 0 ? 400u : 0u,
                              .node_budget = seed % 3 == 1 ? 10u : 0u,
                              .max_restarts = 1000});
    for (uint64_t round = 1; round <= 3; ++round) {
      std::vector<std::thread> threads;
      for (uint64_t thread = 0; thread < 3; ++thread) {
        threads.emplace_back([&, thread] {
          ask_among_changes(graph, pool, rules, cells, seed * 1000 + round * 10 + thread,
                            RunId{round});
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
  });
}

}  // namespace
}  // namespace kiln::rules::fuzz
