// The graph against a model: random functions over mutable leaves, a random timeline, and a naive
// evaluator that computes everything from nothing. Values must be the evaluator's, and nothing may
// run without a reason that the model knows.
//
//   KILN_FUZZ_ROUNDS=100000 graph_fuzz    more seeds
//   KILN_FUZZ_SEED=42 graph_fuzz          one seed again
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <random>
#include <set>
#include <thread>

#include "tests/unit/graph/toys.h"

namespace kiln::graph {
namespace {

using namespace toys;

constexpr int kLeaves = 6;
constexpr int kNodes = 24;  // leaves included; a node asks for smaller ones only

// How a node computes: steps in order, each asking for one node, for one of two depending on what
// came before, or for several at once.
struct Step {
  enum Kind { kOne, kEither, kGroup } kind = kOne;
  std::vector<int> nodes;
};
struct Plan {
  std::vector<Step> steps;
  bool tolerant = false;  // goes on when what it asks for fails
};

struct World {
  std::array<int, kLeaves> leaves{};  // negative: the leaf fails
  std::optional<int> evaluate(const std::vector<Plan>& plans, int node) const {
    std::map<int, std::optional<int>> known;
    return evaluate(plans, node, known);
  }

 private:
  std::optional<int> evaluate(const std::vector<Plan>& plans, int node,
                              std::map<int, std::optional<int>>& known) const {
    if (node < kLeaves) {
      const int value = leaves[static_cast<size_t>(node)];
      return value < 0 ? std::nullopt : std::optional(value);
    }
    const auto found = known.find(node);
    if (found != known.end()) return found->second;
    const Plan& plan = plans[static_cast<size_t>(node)];
    int sum = node;
    for (const Step& step : plan.steps) {
      std::vector<int> asked = step.nodes;
      if (step.kind == Step::kEither) asked = {step.nodes[sum % 2 == 0 ? 0 : 1]};
      bool failed = false;
      int part = 0;
      for (const int next : asked) {
        const std::optional<int> value = evaluate(plans, next, known);
        failed |= !value;
        part = part * 3 + value.value_or(0);
      }
      if (failed && !plan.tolerant) return known[node] = std::nullopt;
      sum = sum * 3 + (failed ? 7 : part);
    }
    return known[node] = sum % 4;
  }
};

// What a node computes. The model stamps each new value with its version, so that a reader knows
// which one it was given; early cut-off does not see the stamp.
struct Stamped {
  int value;
  uint64_t version;
  friend bool operator==(const Stamped& a, const Stamped& b) { return a.value == b.value; }
};

// What the model knows of a node: enough to say whether a run had a reason.
struct Known {
  struct Dep {
    int node;
    uint64_t version;
  };
  uint64_t version = 0;  // grows when it computes another value
  int value = 0;
  bool failed = false;    // the last time, or nobody waited for the end of it
  bool tainted = false;   // computed in spite of an error
  bool forced = false;    // invalidated since it ran
  uint64_t runs = 0;      // started so far
  bool running = false;   // the last run has not ended
  std::vector<Dep> deps;  // of the last success
};

class Fuzz {
 public:
  enum class Memory { kAmple, kFewValues, kFewNodes };
  Fuzz(uint64_t seed, Memory memory)
      : random_(seed),
        plans_(make_plans()),
        graph_(executor_,
               Options{.value_bytes_cap =
                           memory == Memory::kFewValues ? 5 * make_value(Stamped{})->bytes() : 0,
                       .ticks = next_tick,
                       .node_budget = memory == Memory::kFewNodes ? 5u : 0u,
                       .max_restarts = 100}),
        forgets_(memory != Memory::kAmple) {
    tick_ = seed;
    for (int& leaf : world_.leaves) leaf = pick(4);
  }

  // Returns what went wrong, or nothing.
  std::string run() {
    for (round_ = 1; round_ <= 12 && problem_.empty(); ++round_) {
      calm_ = pick(2) == 0;
      change_between_rounds();
      ask_and_interfere();
      check_again();
    }
    return problem_;
  }
  uint64_t forgotten() const { return graph_.stats().forgotten; }

 private:
  struct Query {
    int node;
    RunId run;
    size_t worlds;  // how many there had been when it was asked
    std::unique_ptr<Asked> asked;
    bool cancelled = false;
    bool checked = false;
  };

  int pick(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  std::vector<Plan> make_plans() {
    std::vector<Plan> plans(kNodes);
    for (int node = kLeaves; node < kNodes; ++node) {
      Plan& plan = plans[static_cast<size_t>(node)];
      plan.tolerant = pick(6) == 0;
      const int steps = 1 + pick(3);
      for (int i = 0; i < steps; ++i) {
        Step step;
        step.kind = static_cast<Step::Kind>(pick(3));
        const int asked = step.kind == Step::kOne      ? 1
                          : step.kind == Step::kEither ? 2
                                                       : 1 + pick(4);
        for (int k = 0; k < asked; ++k) step.nodes.push_back(pick(node));
        plan.steps.push_back(std::move(step));
      }
    }
    return plans;
  }

  // Leaf 0 is good for nobody else, leaf 1 for a run; these change only between rounds, unasked.
  static Validity validity_of(int leaf) {
    return leaf == 0 ? Validity::kNever : leaf == 1 ? Validity::kThisRun : Validity::kForever;
  }

  void set_leaf(int leaf, int value, bool tell) {
    world_.leaves[static_cast<size_t>(leaf)] = value;
    past_.push_back(world_);
    if (!tell) return;
    known_[static_cast<size_t>(leaf)].forced = true;
    const Hash128 hash = node_(leaf).hash;
    graph_.invalidate({&hash, 1});
  }

  void change_between_rounds() {
    past_.assign(1, world_);
    if (pick(3) == 0) set_leaf(0, pick(4), false);
    if (pick(3) == 0) set_leaf(1, pick(4), false);
    for (int changes = pick(3); changes > 0; --changes) {
      set_leaf(2 + pick(kLeaves - 2), pick(6) == 0 ? -1 : pick(4), true);
    }
  }

  void ask_and_interfere() {
    std::vector<Query> queries;
    const int wanted = 1 + pick(4);
    for (int steps = 0; steps < 4000; ++steps) {
      if (static_cast<int>(queries.size()) < wanted && (pick(4) == 0 || executor_.pending() == 0)) {
        Query query{.node = pick(kNodes),
                    .run = RunId{round_ * 10 + static_cast<uint64_t>(calm_ ? 0 : pick(3))},
                    .worlds = past_.size(),
                    .asked = nullptr};
        query.asked = std::make_unique<Asked>(executor_, graph_, node_(query.node), query.run);
        queries.push_back(std::move(query));
      }
      if (!calm_ && pick(12) == 0)
        set_leaf(2 + pick(kLeaves - 2), pick(6) == 0 ? -1 : pick(4), true);
      if (!calm_ && pick(20) == 0 && !queries.empty()) {
        Query& query = queries[static_cast<size_t>(pick(static_cast<int>(queries.size())))];
        query.asked->cancel();
        query.cancelled = true;
      }
      if (executor_.pending() != 0) {
        executor_.step_at(static_cast<size_t>(pick(static_cast<int>(executor_.pending()))));
      }
      for (Query& query : queries) check(query);
      if (static_cast<int>(queries.size()) == wanted && executor_.pending() == 0) break;
    }
    executor_.drain();
    for (Query& query : queries) {
      check(query);
      if (!query.asked->done()) problem("a request never ended");
    }
  }

  void check(Query& query) {
    if (query.checked || !query.asked->done()) return;
    query.checked = true;
    const Result<Answer> answer = query.asked->answer();
    if (!answer.ok() && query.cancelled && answer.error().code() == ErrorCode::kCancelled) return;
    if (!answer.ok() && answer.error().code() != ErrorCode::kInvalidArgument) {
      problem(answer.error().to_string());
      return;
    }
    const std::optional<int> got =
        answer.ok() ? std::optional(value_as<Stamped>(answer->value).value) : std::nullopt;
    // As of some moment between question and answer; and as of now, if nothing changed.
    for (size_t i = query.worlds - 1; i < past_.size(); ++i) {
      if (past_[i].evaluate(plans_, query.node) == got) return;
    }
    problem("node(" + std::to_string(query.node) + ") is " + text(got) + ", and should be " +
            text(world_.evaluate(plans_, query.node)));
  }

  // When all is quiet: every node has the right value, and asking twice runs nothing but what is
  // good for nobody else or not remembered.
  void check_again() {
    calm_ = true;
    past_.assign(1, world_);
    const RunId run{round_ * 10 + 5};
    for (int pass = 0; pass < 2; ++pass) {
      again_ = pass == 1;
      for (int node = kNodes - 1; node >= 0; --node) {
        Query query{.node = node, .run = run, .worlds = 1, .asked = nullptr};
        query.asked = std::make_unique<Asked>(executor_, graph_, node_(node), run);
        executor_.drain();
        if (!query.asked->done()) return problem("a request never ended");
        check(query);
      }
    }
    again_ = false;
  }

  // --- the functions ---

  Task<Result<Computed>> compute(Context& context, int node) {
    expect_reason(node);
    Known& known = known_[static_cast<size_t>(node)];
    known.forced = false;
    known.running = true;
    const uint64_t run = ++known.runs;
    std::vector<Known::Dep> reads;
    bool tainted = false;
    // Now and then in two pieces, so that things happen in between.
    if (pick(3) == 0) co_await resume_on(executor_);
    if (node < kLeaves) {
      const int value = world_.leaves[static_cast<size_t>(node)];
      if (value < 0) {
        fail(known, run);
        co_return user_error(ErrorCode::kInvalidArgument, "the leaf fails");
      }
      co_return Computed{succeed(context, known, run, value, {}, false), validity_of(node)};
    }
    const Plan& plan = plans_[static_cast<size_t>(node)];
    int sum = node;
    for (const Step& step : plan.steps) {
      std::vector<int> asked = step.nodes;
      if (step.kind == Step::kEither) asked = {step.nodes[sum % 2 == 0 ? 0 : 1]};
      std::vector<Key> keys;
      for (const int next : asked) keys.push_back(node_(next));
      Result<std::vector<ValueRef>> values = std::vector<ValueRef>();
      if (step.kind == Step::kGroup) {
        values = pick(2) == 0 ? co_await context.get_all(std::move(keys))
                              : all_of(co_await context.get_each(std::move(keys)));
      } else {
        Result<ValueRef> one = co_await context.get(std::move(keys[0]));
        if (one.ok()) {
          values->push_back(*one);
        } else {
          values = one.error();
        }
      }
      if (!values.ok() && (!plan.tolerant || values.error().code() == ErrorCode::kCancelled)) {
        fail(known, run);
        co_return values.error();
      }
      int part = 0;
      for (size_t i = 0; values.ok() && i < asked.size(); ++i) {
        const auto& [value, version] = value_as<Stamped>((*values)[i]);
        part = part * 3 + value;
        reads.push_back({asked[i], version});
      }
      tainted |= !values.ok();
      sum = sum * 3 + (values.ok() ? part : 7);
    }
    co_return Computed{succeed(context, known, run, sum % 4, std::move(reads), tainted)};
  }

  // What get_all() would have answered.
  static Result<std::vector<ValueRef>> all_of(std::vector<Result<ValueRef>> each) {
    std::vector<ValueRef> values;
    for (Result<ValueRef>& one : each) {
      KILN_ASSIGN(values.emplace_back(), std::move(one));
    }
    return values;
  }

  static void fail(Known& known, uint64_t run) {
    if (run != known.runs) return;  // it was abandoned, and another began
    known.running = false;
    known.failed = true;
  }

  ValueRef succeed(const Context& context, Known& known, uint64_t run, int value,
                   std::vector<Known::Dep> reads, bool tainted) {
    if (context.stop_token().stop_requested()) {
      fail(known, run);  // nobody hears of it
      return make_value(Stamped{value, 0});
    }
    if (run != known.runs) problem("a node ran twice at once");
    known.running = false;
    if (known.version == 0 || known.value != value) ++known.version;
    known.value = value;
    known.deps = std::move(reads);
    known.failed = false;
    known.tainted = tainted;
    return make_value(Stamped{value, known.version});
  }

  // While nothing else goes on, a run has one of these reasons.
  void expect_reason(int node) {
    if (!calm_ || forgets_) return;
    const Known& known = known_[static_cast<size_t>(node)];
    // If it is running, that run was abandoned: succeed() makes sure.
    bool reason =
        known.version == 0 || known.forced || known.failed || known.tainted || known.running;
    if (node < kLeaves) {
      reason |= validity_of(node) == Validity::kNever;
      reason |= validity_of(node) == Validity::kThisRun && !again_;
    }
    for (const Known::Dep& dep : known.deps) {
      const Known& now = known_[static_cast<size_t>(dep.node)];
      reason |= now.version != dep.version || now.failed;
    }
    if (!reason) problem("node(" + std::to_string(node) + ") ran without a reason");
  }

  static std::string text(std::optional<int> value) {
    return value ? std::to_string(*value) : "an error";
  }
  void problem(std::string what) {
    if (problem_.empty()) problem_ = "round " + std::to_string(round_) + ": " + std::move(what);
  }

  // Functions take from no time to long, the same in each replay.
  static uint64_t next_tick() {
    tick_ += uint64_t{1} << (tick_ * 0x9E3779B97F4A7C15ull >> 59);
    return tick_;
  }
  static thread_local uint64_t tick_;

  std::mt19937_64 random_;
  const std::vector<Plan> plans_;
  World world_;
  std::vector<World> past_;
  std::array<Known, kNodes> known_;
  ManualExecutor executor_;
  Record record_;
  Toy node_{"node", record_, [this](Context& context, int n) { return compute(context, n); }};
  Graph graph_;
  const bool forgets_;
  uint64_t round_ = 0;
  bool calm_ = true;
  bool again_ = false;
  std::string problem_;
};

thread_local uint64_t Fuzz::tick_ = 0;

std::optional<uint64_t> environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

void fuzz(Fuzz::Memory memory) {
  const std::optional<uint64_t> only = environment_number("KILN_FUZZ_SEED");
  const uint64_t first = only.value_or(1);
  const uint64_t rounds = only ? 1 : environment_number("KILN_FUZZ_ROUNDS").value_or(400);
  uint64_t forgotten = 0;
  for (uint64_t seed = first; seed < first + rounds; ++seed) {
    Fuzz timeline(seed, memory);
    ASSERT_EQ(timeline.run(), "") << "replay: KILN_FUZZ_SEED=" << seed;
    forgotten += timeline.forgotten();
  }
  if (!only) EXPECT_EQ(forgotten > 0, memory == Fuzz::Memory::kFewNodes);
}

TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorAndRunsNothingInVain) { fuzz(Fuzz::Memory::kAmple); }
TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorUnderAMemoryCap) { fuzz(Fuzz::Memory::kFewValues); }
TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorThoughNodesAreForgotten) {
  fuzz(Fuzz::Memory::kFewNodes);
}

// Threads that ask, cancel and change at will; when all is quiet, every value is right.
TEST(GraphFuzz, ThreadsAgreeWithTheNaiveEvaluator) {
  const uint64_t seed = environment_number("KILN_FUZZ_SEED").value_or(1);
  const uint64_t rounds = environment_number("KILN_FUZZ_ROUNDS").value_or(20);
  constexpr int kSize = 60;
  Leaves leaves;
  Record record;
  ThreadPool pool("fuzz", 3);
  const auto value_of = [&](auto& self, int n) -> int {
    if (n < 8) return leaves.get(n);
    return (self(self, (n * 7) % n) + 2 * self(self, n / 2) + self(self, n - 5)) % 5;
  };
  std::optional<Toy> node;
  node.emplace("node", record, [&](Context& context, int n) {
    return [](Context& c, int m, Toy& self, Leaves& world) -> Task<Result<Computed>> {
      if (m < 8) co_return computed(world.get(m));
      std::vector<Key> keys;
      keys.push_back(self(m / 2));
      keys.push_back(self(m - 5));
      KILN_CO_ASSIGN(const ValueRef first, co_await c.get(self((m * 7) % m)));
      KILN_CO_ASSIGN(const std::vector<ValueRef> both, co_await c.get_all(std::move(keys)));
      co_return computed(
          (value_as<int>(first) + 2 * value_as<int>(both[0]) + value_as<int>(both[1])) % 5);
    }(context, n, *node, leaves);
  });
  Graph graph(pool, Options{.value_bytes_cap = seed % 2 == 0 ? 640u : 0u,
                            .node_budget = seed % 2 == 0 ? 0u : 20u,
                            .max_restarts = 1000});
  for (uint64_t round = 0; round < rounds; ++round) {
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(seed * 1000 + round * 10 + t);
        std::vector<std::unique_ptr<Asked>> asked;
        for (int i = 0; i < 30; ++i) {
          const int n = static_cast<int>(random() % kSize);
          asked.push_back(std::make_unique<Asked>(pool, graph, (*node)(n), RunId{round + 1}));
          if (random() % 4 == 0) asked[random() % asked.size()]->cancel();
          if (random() % 3 == 0) {
            const int leaf = static_cast<int>(random() % 8);
            leaves.set(leaf, static_cast<int>(random() % 4));
            const Hash128 hash = (*node)(leaf).hash;
            graph.invalidate({&hash, 1});
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (int n = 0; n < kSize; ++n) {
      std::optional<Asked> asked(std::in_place, pool, graph, (*node)(n), RunId{round + 1});
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (!asked->done() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
      }
      ASSERT_TRUE(asked->done());
      ASSERT_EQ(asked->value(), value_of(value_of, n)) << "replay: KILN_FUZZ_SEED=" << seed;
    }
  }
}

}  // namespace
}  // namespace kiln::graph
