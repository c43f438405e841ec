// Running rules against a model: random programs for real coroutines, random timelines of changes,
// failures, queries and goals with params, cancellations, under a memory cap or none, on one
// thread in every order and on several. Every answer is that of the state which it names, and
// nothing runs without a reason that the model knows.
//
//   KILN_FUZZ_ROUNDS=100000 rules_run_fuzz    more seeds
//   KILN_FUZZ_SEED=42 rules_run_fuzz          one seed again
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include "daemon/graph/observer.h"
#include "daemon/rules/union.h"
#include "tests/fuzz/rules/toy_world.h"

namespace kiln::rules::fuzz {
namespace {

using graph::Ending;
using graph::FunctionEnd;
using graph::FunctionStart;

// What a client asks for.
enum class Wish { kSum, kFib, kSalted, kGathered, kTop, kTell };
struct Question {
  Wish wish = Wish::kSum;
  int n = 0;
  Program program;
  SaltOptions salt;

  NaiveEvaluator evaluator(const State& state, int variant) const {
    return {state, variant, program, salt};
  }
  // What the answer should say.
  std::optional<int> answer(NaiveEvaluator& naive) const {
    switch (wish) {
      case Wish::kSum:
        return naive.sum(n);
      case Wish::kFib:
        return naive.fib(n);
      case Wish::kSalted:
        return naive.salted(n);
      case Wish::kGathered:
        return naive.gathered(n);
      case Wish::kTop:
        return naive.top(n);
      case Wish::kTell: {
        const auto sum = naive.sum(n);
        const auto fib = naive.fib(n / 2);
        return sum && fib ? std::optional(10 * *sum + *fib) : std::nullopt;
      }
    }
    return {};
  }
  std::string text() const {
    return std::to_string(static_cast<int>(wish)) + "(" + std::to_string(n) + ") of program " +
           std::to_string(program.n) + " with salt " + std::to_string(salt.grains);
  }
};

template <class Pick>
Question random_question(Pick pick, int programs) {
  Question question;
  question.wish = static_cast<Wish>(pick(static_cast<int>(Wish::kTell) + 1));
  question.n = pick(kSums);
  question.program.n = programs * 2 + pick(2);
  question.salt.grains = pick(3);
  return question;
}

class Rules {
 public:
  Rules(const Cells& cells, int variant) : variant(variant) {
    RuleGraph::Compiled compiled = RuleGraph::compile(toy_rules(cells, variant));
    KILN_CHECK(compiled.graph != nullptr, to_text(compiled.errors));
    graph_ = std::move(compiled.graph);
  }

  const Root& root(Wish wish) const {
    constexpr const char* kProducts[] = {"Sum", "Fib", "Salted", "Gathered", "Top"};
    if (wish == Wish::kTell) return *graph_->find_goal("tell");
    const std::string n = "N";
    return *graph_->find_query(kProducts[static_cast<size_t>(wish)], {&n, 1});
  }
  std::vector<Param> params(const Root& root, const Question& question) const {
    std::vector<Param> params;
    for (const TypeId type : root.scope) {
      if (type == type_of<N>()) params.push_back(make_param(N{question.n}));
      if (type == type_of<Target>()) params.push_back(make_param(Target{question.n}));
      if (type == type_of<Program>()) params.push_back(make_param(question.program));
      if (type == type_of<SaltOptions>()) params.push_back(make_param(question.salt));
      for (const Constant& constant : graph_->rules().constants()) {
        if (type == constant.type) params.push_back(constant.make(graph_->rules().members()));
      }
    }
    return params;
  }

  const int variant;

 private:
  std::unique_ptr<const RuleGraph> graph_;
};

// A question under way, and its answer once it is there.
class Client {
 public:
  Client(Executor& executor, graph::Graph& graph, const Rules& rules, Cells& cells,
         Question the_question, RunId run)
      : question(the_question),
        asked_at(cells.clock()),
        cells_(cells),
        root_({.graph = graph,
               .run = run,
               .stop = stop_.get_token(),
               .synchronize = [&cells] { return cells.clock(); },
               .print = [this](Console::Text text) { return print(std::move(text)); }}) {
    scope_.spawn(executor, ask(rules));
  }
  ~Client() { scope_.join(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void cancel() {
    cancelled_ = true;
    stop_.request_stop();
  }
  bool done() const { return done_.load(std::memory_order_acquire); }

  // Once done: what is wrong with the answer, or nothing.
  std::string verdict(int variant) const {
    if (!answer_->ok()) {
      const ErrorCode code = answer_->error().code();
      if (cancelled_ && code == ErrorCode::kCancelled) return {};
      if (code != ErrorCode::kInvalidArgument) return answer_->error().to_string();
    }
    if (bell_.rung.size() > 1) return "a goal's effect happened twice";
    // An error is that of some moment since it was asked for; so is what a client did not wait for.
    const bool exact = answer_->ok() && !cancelled_;
    ClockTick tick = exact ? root_.clock() : asked_at;
    const ClockTick last = exact ? tick : done_at_;
    std::string should;
    for (; tick <= last; ++tick.value) {
      NaiveEvaluator naive = question.evaluator(cells_.at(tick), variant);
      const std::optional<int> expected = question.answer(naive);
      if (expected == said()) return told_right(naive) ? "" : "a goal printed something else";
      should += " " + (expected ? std::to_string(*expected) : "an error");
    }
    return question.text() + " is " + (said() ? std::to_string(*said()) : "an error") +
           ", and should be" + should;
  }

  const Question question;
  const ClockTick asked_at;

 private:
  std::optional<int> said() const {
    if (!answer_->ok()) return std::nullopt;
    if (question.wish == Wish::kTell) return bell_.rung.empty() ? -1 : bell_.rung[0];
    return **answer_;
  }
  bool told_right(NaiveEvaluator& naive) const {
    if (question.wish != Wish::kTell || !answer_->ok()) return true;
    return printed_ == std::to_string(*naive.sum(question.n)) + " " +
                           std::to_string(*naive.fib(question.n / 2)) + "\n";
  }

  Task<Result<void>> print(Console::Text text) {
    printed_ += text.out;
    co_return Result<void>();
  }
  Task<Result<int>> number(const Rules& rules) {
    const Root& root = rules.root(question.wish);
    std::vector<Param> params = rules.params(root, question);
    if (question.wish == Wish::kTell) {
      EffectSet effects;
      effects.add(bell_);
      co_return co_await root_.goal(root, std::move(params), effects);
    }
    KILN_CO_ASSIGN(const graph::ValueRef value, co_await root_.query(root, std::move(params)));
    switch (question.wish) {
      case Wish::kSum:
        co_return graph::value_as<Sum>(value).n;
      case Wish::kFib:
        co_return graph::value_as<Fib>(value).n;
      case Wish::kSalted:
        co_return graph::value_as<Salted>(value).n;
      case Wish::kGathered:
        co_return graph::value_as<Gathered>(value).n;
      default:
        co_return graph::value_as<Top>(value).n;
    }
  }
  Task<void> ask(const Rules& rules) {
    answer_.emplace(co_await number(rules));
    done_at_ = cells_.clock();
    done_.store(true, std::memory_order_release);
  }

  Cells& cells_;
  std::stop_source stop_;
  bool cancelled_ = false;
  RootRun root_;
  Bell bell_;
  std::string printed_;
  std::optional<Result<int>> answer_;
  ClockTick done_at_;
  std::atomic<bool> done_{false};
  Scope scope_;
};

// What is known of a node from watching it: enough to say whether a run had a reason. Of what ran
// while the world changed, what it read is not known.
class Watcher final : public graph::Observer {
 public:
  // `forgets`: the graph does, and may then run what it forgot.
  Watcher(int variant, bool forgets) : variant_(variant), forgets_(forgets) {}

  // Until the next call: all that runs is what `question` needs in `state`, which does not change.
  void expect(const Question& question, const State& state) {
    naive_.emplace(question.evaluator(state, variant_));
    (void)question.answer(*naive_);
  }
  void expect_anything() { naive_.reset(); }
  void invalidated(const graph::Key& key) { known_[node_name(key)].reason = true; }
  const std::string& problem() const { return problem_; }

  SpanId function_started(const FunctionStart& start) override {
    const std::string name = node_name(start.key);
    Known& known = known_[name];
    if (naive_) check(name, known, start.run);
    known.reason = true;  // until it has ended well
    return SpanId{++spans_};
  }
  void function_ended(const FunctionEnd& end) override {
    if (end.ending != Ending::kChanged && end.ending != Ending::kUnchanged) return;
    const std::string name = node_name(end.key);
    Known& known = known_[name];
    if (end.ending == Ending::kChanged) ++known.version;
    known.run = end.run;
    known.validity = end.validity;
    known.reads.clear();
    if (!naive_) return;
    const auto visit = naive_->visits().find(name);
    if (visit == naive_->visits().end()) return;
    known.reason = visit->second.tainted;
    for (const std::string& read : visit->second.reads) known.reads[read] = known_[read].version;
  }
  void answered(const graph::Remembered&) override {}

 private:
  struct Known {
    uint64_t version = 0;  // grows when it computes another value
    bool reason = true;    // it may run again whatever it read
    RunId run{0};
    graph::Validity validity = graph::Validity::kForever;
    std::map<std::string, uint64_t> reads;
  };

  void check(const std::string& name, const Known& known, RunId run) {
    if (!naive_->visits().contains(name)) return problem(name + " ran, and nobody needs it");
    if (forgets_ || known.reason || known.validity == graph::Validity::kNever) return;
    if (known.validity == graph::Validity::kThisRun && run > known.run) return;
    for (const auto& [read, version] : known.reads) {
      const Known& now = known_[read];
      if (now.version != version || now.reason) return;
    }
    problem(name + " ran without a reason");
  }
  void problem(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }

  const int variant_;
  const bool forgets_;
  std::optional<NaiveEvaluator> naive_;
  std::map<std::string, Known> known_;
  uint64_t spans_ = 0;
  std::string problem_;
};

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

std::optional<uint64_t> environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

void fuzz(Fuzz::Memory memory) {
  const std::optional<uint64_t> only = environment_number("KILN_FUZZ_SEED");
  const uint64_t first = only.value_or(1);
  const uint64_t rounds = only ? 1 : environment_number("KILN_FUZZ_ROUNDS").value_or(150);
  uint64_t forgotten = 0;
  for (uint64_t seed = first; seed < first + rounds; ++seed) {
    Fuzz timeline(seed, memory);
    ASSERT_EQ(timeline.run(), "") << "replay: KILN_FUZZ_SEED=" << seed;
    forgotten += timeline.forgotten();
  }
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
    ASSERT_EQ(client->verdict(rules.variant), "") << "replay: KILN_FUZZ_SEED=" << seed / 1000;
  }
}

TEST(RulesRunFuzz, ConcurrentClientsAreAnsweredOfTheStateThatTheyAreTold) {
  const std::optional<uint64_t> only = environment_number("KILN_FUZZ_SEED");
  const uint64_t first = only.value_or(1);
  const uint64_t rounds = only ? 1 : environment_number("KILN_FUZZ_ROUNDS").value_or(20);
  ThreadPool pool("fuzz", 2);
  for (uint64_t seed = first; seed < first + rounds && !HasFatalFailure(); ++seed) {
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
  }
}

}  // namespace
}  // namespace kiln::rules::fuzz
