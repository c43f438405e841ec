// The graph against a model: random functions over mutable leaves, a random timeline, and a naive
// evaluator that computes everything from nothing. Values must be the evaluator's, and nothing may
// run without a reason that the model knows.
// tests/support/fuzz_seeds.h says how to ask for more rounds, and for one again.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/fuzz/graph/programs.h"
#include "tests/support/fuzz_seeds.h"
#include "tests/unit/graph/toys.h"

namespace kiln::graph::fuzz {
namespace {

using namespace toys;

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
  struct Kind {
    Memory memory = Memory::kAmple;
    bool cycles = false;
  };
  Fuzz(uint64_t seed, Kind kind)
      : random_(seed),
        plans_(random_plans(random_, kind.cycles)),
        graph_(executor_, Options{.value_bytes_cap = kind.memory == Memory::kFewValues
                                                         ? 5 * make_value(Stamped{})->bytes()
                                                         : 0,
                                  .ticks = next_tick,
                                  .node_budget = kind.memory == Memory::kFewNodes ? 5u : 0u,
                                  .max_restarts = 100}),
        reasons_are_known_(kind.memory == Memory::kAmple && !kind.cycles) {
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
    // As of some moment between question and answer; and as of now, if nothing changed.
    for (size_t i = query.worlds - 1; i < past_.size(); ++i) {
      if (is_of(answer, past_[i].expected(plans_, query.node))) return;
    }
    problem("node(" + std::to_string(query.node) + ") is " +
            (answer.ok() ? std::to_string(value_as<Stamped>(answer->value).value)
                         : answer.error().to_string()) +
            ", and should be " + world_.expected(plans_, query.node).text());
  }
  static bool is_of(const Result<Answer>& answer, const Expected& expected) {
    if (answer.ok()) return expected.value == value_as<Stamped>(answer->value).value;
    if (expected.value) return false;
    switch (answer.error().code()) {
      case ErrorCode::kInvalidArgument:
        return expected.fails;
      case ErrorCode::kCycle:
        return expected.waits_for_itself;
      default:
        return false;
    }
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
      const int value = world_.leaf(node);
      if (value < 0) {
        fail(known, run);
        co_return user_error(ErrorCode::kInvalidArgument, "the leaf fails");
      }
      co_return Computed{succeed(context, known, run, value, {}, false), validity_of(node)};
    }
    const Plan& plan = plans_[static_cast<size_t>(node)];
    int sum = node;
    for (const Step& step : plan.steps) {
      const std::vector<int> asked = step.asked(sum);
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

  // While nothing else goes on, a run has one of these reasons. If nothing was forgotten, and there
  // is nothing that could wait for itself: a re-check that would, runs the function instead.
  void expect_reason(int node) {
    if (!calm_ || !reasons_are_known_) return;
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
  const Plans plans_;
  World world_;
  std::vector<World> past_;
  std::array<Known, kNodes> known_;
  ManualExecutor executor_;
  Record record_;
  Toy node_{"node", record_, [this](Context& context, int n) { return compute(context, n); }};
  Graph graph_;
  const bool reasons_are_known_;
  uint64_t round_ = 0;
  bool calm_ = true;
  bool again_ = false;
  std::string problem_;
};

thread_local uint64_t Fuzz::tick_ = 0;

void fuzz(Fuzz::Kind kind) {
  const test::FuzzSeeds seeds(kind.cycles ? 200 : 400);
  uint64_t forgotten = 0;
  seeds.for_each([&](uint64_t seed) {
    Fuzz timeline(seed, kind);
    ASSERT_EQ(timeline.run(), "");
    forgotten += timeline.forgotten();
  });
  if (seeds.is_replay() || testing::Test::HasFatalFailure()) return;
  EXPECT_EQ(forgotten > 0, kind.memory == Fuzz::Memory::kFewNodes);
}

using Memory = Fuzz::Memory;

TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorAndRunsNothingInVain) { fuzz({}); }
TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorUnderAMemoryCap) {
  fuzz({.memory = Memory::kFewValues});
}
TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorThoughNodesAreForgotten) {
  fuzz({.memory = Memory::kFewNodes});
}
TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorOnWhatIsACycle) { fuzz({.cycles = true}); }
TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorOnWhatIsACycleUnderAMemoryCap) {
  fuzz({.memory = Memory::kFewValues, .cycles = true});
}
TEST(GraphFuzz, AgreesWithTheNaiveEvaluatorOnWhatIsACycleThoughNodesAreForgotten) {
  fuzz({.memory = Memory::kFewNodes, .cycles = true});
}

}  // namespace
}  // namespace kiln::graph::fuzz
