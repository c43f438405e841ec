// A world of toy rules for the fuzzer: cells that change, and rules that show every way to ask.
//
// What:    `Cells` are the mutable leaves, with a clock and everything they ever were; rules
//          over them are `toy_rules()`. What `sum` asks for is a program, which a client gives as a
//          param: so one compiled graph runs as many random programs as there are seeds.
// Threads: Cells is thread-safe; the rules are pure.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/rules/root_run.h"
#include "tests/unit/graph/toys.h"

namespace kiln::rules::fuzz {

inline constexpr int kCells = 6;
inline constexpr int kSums = 20;

// A number of some kind; all params and products are.
template <class Tag>
struct Number {
  static constexpr std::string_view kTypeName = Tag::kName;
  int n = 0;
  static void fields(auto& self, auto&& field) { field("n", self.n); }
  friend bool operator==(const Number&, const Number&) = default;
};

#define KILN_FUZZ_NUMBER(Type)                       \
  struct Type##Tag {                                 \
    static constexpr std::string_view kName = #Type; \
  };                                                 \
  using Type = Number<Type##Tag>
KILN_FUZZ_NUMBER(Cell);
KILN_FUZZ_NUMBER(CellValue);
KILN_FUZZ_NUMBER(Whim);
KILN_FUZZ_NUMBER(Today);
KILN_FUZZ_NUMBER(Daily);
KILN_FUZZ_NUMBER(N);
KILN_FUZZ_NUMBER(Program);
KILN_FUZZ_NUMBER(Target);
KILN_FUZZ_NUMBER(Fib);
KILN_FUZZ_NUMBER(Sum);
KILN_FUZZ_NUMBER(Salted);
KILN_FUZZ_NUMBER(Reply);
KILN_FUZZ_NUMBER(Gathered);
KILN_FUZZ_NUMBER(Top);
KILN_FUZZ_NUMBER(Red);
KILN_FUZZ_NUMBER(Blue);
KILN_FUZZ_NUMBER(Green);
#undef KILN_FUZZ_NUMBER

struct SaltOptions {
  static constexpr std::string_view kTypeName = "SaltOptions";
  static constexpr std::string_view kScope = "salt";
  int grains = 0;
  static void fields(auto& self, auto&& field) { field("grains", self.grains); }
  friend bool operator==(const SaltOptions&, const SaltOptions&) = default;
};

struct Request {
  static constexpr std::string_view kTypeName = "Request";
  static constexpr bool kUnionBase = true;
  struct Member {
    MemberOf<Request> (*request)(int n);
  };
  template <class M>
  static Member member() {
    return {[](int n) { return member_of<Request>(M{n}); }};
  }
};

// What a goal may do once.
struct Bell {
  static constexpr std::string_view kTypeName = "Bell";
  static constexpr bool kSideEffect = true;
  std::vector<int> rung;
  Effect ring(int n) {
    return {[this, n]() -> Task<Result<void>> {
      rung.push_back(n);
      co_return Result<void>();
    }};
  }
};

// One step of what sum(n) does; it asks for smaller sums only.
struct Step {
  enum Kind { kOne, kEither, kAll, kTry, kTryAll, kMixed, kCell, kDaily, kWhim } kind = kOne;
  std::vector<int> asked;  // the n of sums, or a cell
};
std::vector<Step> steps_of(Program program, N n);

// Everything that rules read and do not compute.
struct State {
  std::array<int, kCells> cells{};  // negative: it cannot be read
  int whim = 0;                     // good for nobody else
  int today = 0;                    // good for a run
};

class Cells {
 public:
  Cells() {
    history_.with([](auto& history) { history.emplace_back(); });
  }

  // All that follows a change follows it at once: whoever sees it later sees the graph told.
  template <class Change>
  void change(Change change, graph::Graph* tell, std::optional<int> cell) {
    history_.with([&](auto& history) {
      State next = history.back();
      change(next);
      history.push_back(next);
      if (tell == nullptr || !cell) return;
      const Hash128 hash = leaf_(*cell).hash;
      tell->invalidate({&hash, 1});
    });
  }
  void set(graph::Graph& graph, int cell, int value) {
    change([&](State& state) { state.cells[static_cast<size_t>(cell)] = value; }, &graph, cell);
  }
  ClockTick clock() const {
    return history_.with([](const auto& history) { return ClockTick{history.size() - 1}; });
  }
  State at(ClockTick tick) const {
    return history_.with([&](const auto& history) { return history.at(tick.value); });
  }
  State now() const { return at(clock()); }
  graph::Key leaf(int cell) const { return leaf_(cell); }

 private:
  Task<Result<graph::Computed>> read(int cell) const;

  Synchronized<std::vector<State>> history_;
  graph::toys::Record record_;
  const graph::toys::Toy leaf_{"cell", record_,
                               [this](graph::Context&, int cell) { return read(cell); }};
};

// `variant` chooses among some rule sets: whether `daily` may be remembered, and how many members
// the union has.
constexpr int kVariants = 4;
RuleSet toy_rules(const Cells& cells, int variant);

// Computes everything from nothing, as the rules say it.
class NaiveEvaluator {
 public:
  NaiveEvaluator(State state, int variant, Program program, SaltOptions salt)
      : state_(state), variant_(variant), program_(program), salt_(salt) {}

  // Nothing: it fails.
  using Value = std::optional<int>;
  Value sum(int n);
  Value fib(int n);
  Value salted(int n);
  Value gathered(int n);
  Value top(int n);
  Value cell(int cell);
  Value whim();
  Value today(int cell);
  Value daily(int cell);

  // Every node that was asked for, by name, and what it asked for in turn.
  struct Visit {
    Value value;
    bool tainted = false;  // computed in spite of an error
    std::set<std::string> reads;
  };
  const std::map<std::string, Visit>& visits() const { return visits_; }

 private:
  template <class F>
  Value node(std::string name, F compute);
  Value step(const Step& step, int sum, bool& tainted);
  Value reply(int color, int n);

  const State state_;
  const int variant_;
  const Program program_;
  const SaltOptions salt_;
  std::map<std::string, Visit> visits_;
  std::vector<std::string> open_;
};

// "sum(N{n: 3}, Program{n: 7})": the node by its rule and the params that it consumes.
std::string node_name(const graph::Key& key);

}  // namespace kiln::rules::fuzz
