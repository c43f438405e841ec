#include "tests/fuzz/rules/toy_world.h"

#include "daemon/rules/union.h"

namespace kiln::rules::fuzz {

namespace {

// --- the rules ---

Rule<Fib, Gets<Fib(N), CellValue(Cell)>> fib(const N& n) {
  if (n.n < 2) {
    const auto& cell = co_await get<CellValue>(Cell{n.n});
    co_return Fib{cell.n};
  }
  const auto& [one, other] = co_await all(get<Fib>(N{n.n - 1}), get<Fib>(N{n.n - 2}));
  co_return Fib{(one.n + 2 * other.n) % 5};
}

Rule<Daily, Gets<Today(Cell), CellValue(Cell)>> daily(const Cell& cell) {
  const auto& today = co_await get<Today>(cell);
  const auto& value = co_await get<CellValue>(cell);
  co_return Daily{(today.n + value.n) % 4};
}

int fold(int sum, int part) { return (sum * 3 + part) % 1000; }
constexpr int kFailed = 7;

using SumGets = Gets<Sum(N), CellValue(Cell), Daily(Cell), Whim(Cell)>;
Rule<Sum, SumGets> sum(const Program& program, const N& n) {
  int sum = n.n;
  for (const Step& step : steps_of(program, n)) {
    int part = 0;
    switch (step.kind) {
      case Step::kOne:
        part = (co_await get<Sum>(N{step.asked[0]})).n;
        break;
      case Step::kEither:
        part = (co_await get<Sum>(N{step.asked[sum % 2 == 0 ? 0 : 1]})).n;
        break;
      case Step::kAll: {
        std::vector<Get<Sum, N>> asked;
        for (const int next : step.asked) asked.push_back(get<Sum>(N{next}));
        for (const Sum& each : co_await all(std::move(asked))) part = fold(part, each.n);
        break;
      }
      case Step::kTry: {
        const Result<Ref<Sum>> tried = co_await try_get<Sum>(N{step.asked[0]});
        part = tried.ok() ? (*tried)->n : kFailed;
        break;
      }
      case Step::kTryAll: {
        std::vector<TryGet<CellValue, Cell>> asked;
        for (const int next : step.asked) asked.push_back(try_get<CellValue>(Cell{next % kCells}));
        for (const auto& each : co_await all(std::move(asked))) {
          part = fold(part, each.ok() ? (*each)->n : kFailed);
        }
        break;
      }
      case Step::kMixed: {
        const auto [tried, got] = co_await all(try_get<CellValue>(Cell{step.asked[0] % kCells}),
                                               get<Sum>(N{step.asked[1]}));
        part = fold(tried.ok() ? (*tried)->n : kFailed, got.n);
        break;
      }
      case Step::kCell:
        part = (co_await get<CellValue>(Cell{step.asked[0] % kCells})).n;
        break;
      case Step::kDaily:
        part = (co_await get<Daily>(Cell{step.asked[0] % kCells})).n;
        break;
      case Step::kWhim:
        part = (co_await get<Whim>(Cell{0})).n;
        break;
    }
    sum = fold(sum, part);
  }
  co_return Sum{sum % 4};
}

Rule<Salted, Gets<Sum(N)>> salted(const N& n, const SaltOptions& options) {
  const auto& plain = co_await get<Sum>(n);
  co_return Salted{plain.n + options.grains};
}

Rule<Reply, Gets<Fib(N)>> red(const Red& red) {
  const auto& fib = co_await get<Fib>(N{red.n % 8});
  co_return Reply{fib.n};
}
Rule<Reply, Gets<Sum(N)>> blue(const Blue& blue, const SaltOptions& options) {
  if (options.grains % 2 == 0) co_return Reply{blue.n};
  const auto& sum = co_await get<Sum>(N{blue.n});
  co_return Reply{sum.n};
}
Rule<Reply> green(const Green& green) { co_return Reply{green.n % 3}; }

Rule<Gathered, Gets<Reply(Request)>> gather(const UnionMembers<Request>& colors, const N& n) {
  std::vector<Get<Reply, Request>> asked;
  for (const auto& color : colors.members) asked.push_back(get<Reply>(color.what.request(n.n)));
  int sum = 0;
  for (const Reply& reply : co_await all(std::move(asked))) sum = fold(sum, reply.n);
  co_return Gathered{sum};
}

Rule<Top, Gets<Gathered(N), Fib(N)>> top(const Salted& salted, const N& n) {
  const auto& [gathered, fib] = co_await all(get<Gathered>(n), get<Fib>(N{n.n / 2}));
  co_return Top{salted.n + 10 * gathered.n + 10'000 * fib.n};
}

// Reads twice, so that its state could be torn; then does what cannot be undone.
GoalRule<Gets<Sum(N), Fib(N)>> tell(Console& console, Bell& bell, const Target& target) {
  const N n{target.n};
  const auto& sum = co_await get<Sum>(n);
  console.print(std::to_string(sum.n) + " ");
  const auto& fib = co_await get<Fib>(N{n.n / 2});
  console.print(std::to_string(fib.n) + "\n");
  (void)co_await bell.ring(10 * sum.n + fib.n);
  co_return sum.n;
}

// --- names ---

template <class... Given>
std::string name(std::string_view rule, const Given&... params) {
  std::string text;
  ((text +=
    (text.empty() ? "" : ", ") + describe_value(type_of<Given>(), *graph::make_value(params))),
   ...);
  return std::string(rule) + "(" + text + ")";
}

uint64_t scramble(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

std::vector<Step> steps_of(Program program, N n) {
  if (n.n == 0) return {{Step::kCell, {program.n}}};
  uint64_t state = scramble(static_cast<uint64_t>(program.n)) + static_cast<uint64_t>(n.n);
  const auto pick = [&](int limit) {
    state = scramble(state);
    return static_cast<int>(state % static_cast<uint64_t>(limit));
  };
  std::vector<Step> steps(static_cast<size_t>(1 + pick(3)));
  for (Step& step : steps) {
    step.kind = static_cast<Step::Kind>(pick(Step::kWhim + 1));
    // What is never remembered should be rare.
    if (step.kind == Step::kWhim && pick(3) != 0) step.kind = Step::kAll;
    const bool several = step.kind == Step::kAll || step.kind == Step::kTryAll;
    const bool two = step.kind == Step::kEither || step.kind == Step::kMixed;
    const int asked = two ? 2 : several ? pick(4) : 1;
    for (int i = 0; i < asked; ++i) step.asked.push_back(pick(n.n));
  }
  return steps;
}

Task<Result<graph::Computed>> Cells::read(int cell) const {
  const int value = now().cells[static_cast<size_t>(cell)];
  if (value < 0) co_return user_error(ErrorCode::kInvalidArgument, "the cell fails");
  co_return graph::toys::computed(value);
}

RuleSet toy_rules(const Cells& cells, int variant) {
  using graph::Computed;
  using graph::Context;
  using graph::Validity;
  RuleSet set;
  set.intrinsic<CellValue(Cell)>(
      "read_cell", [&cells](Context& context, const Cell& cell) -> Task<Result<CellValue>> {
        KILN_CO_ASSIGN(const graph::ValueRef value, co_await context.get(cells.leaf(cell.n)));
        co_return CellValue{graph::value_as<int>(value)};
      });
  set.intrinsic<Whim(Cell)>("whim", [&cells](Context&, const Cell&) -> Task<Result<Computed>> {
    co_return Computed{graph::make_value(Whim{cells.now().whim}), Validity::kNever};
  });
  set.intrinsic<Today(Cell)>("today", [&cells](Context&, const Cell&) -> Task<Result<Computed>> {
    co_return Computed{graph::make_value(Today{cells.now().today}), Validity::kThisRun};
  });
  set.add<&fib>();
  set.add<&daily>({.uncacheable = variant % 2 != 0});
  set.add<&sum>();
  set.add<&salted>();
  set.add<&gather>();
  set.add<&top>();
  set.add<&red>();
  set.add<&blue>();
  set.union_base<Request>();
  set.member<Request, Red>();
  set.member<Request, Blue>();
  if (variant >= 2) {
    set.add<&green>();
    set.member<Request, Green>();
  }
  set.goal<&tell>("tell", "Tells.");
  set.options<SaltOptions>();
  set.root<Program>();
  set.root<Target>();
  set.query<Sum(N)>();
  set.query<Fib(N)>();
  set.query<Salted(N)>();
  set.query<Gathered(N)>();
  set.query<Top(N)>();
  return set;
}

std::string node_name(const graph::Key& key) {
  const auto* entry = dynamic_cast<const Entry*>(key.function);
  if (entry == nullptr) return key.describe();
  const std::string& rule = entry->rule.info.name;
  std::string text;
  for (const Param& param : graph::value_as<Params>(key.input)) {
    if (param.type->write == nullptr) continue;  // the members of the union: all have the same
    text += (text.empty() ? "" : ", ") + describe_value(param.type, *param.value);
  }
  const size_t colon = rule.rfind(':');
  return rule.substr(colon == std::string::npos ? 0 : colon + 1) + "(" + text + ")";
}

// --- the oracle ---

template <class F>
NaiveEvaluator::Value NaiveEvaluator::node(std::string name, F compute) {
  if (!open_.empty()) visits_[open_.back()].reads.insert(name);
  const auto found = visits_.find(name);
  if (found != visits_.end()) return found->second.value;
  visits_[name];
  open_.push_back(name);
  const Value value = compute();
  open_.pop_back();
  visits_[name].value = value;
  return value;
}

NaiveEvaluator::Value NaiveEvaluator::cell(int cell) {
  return node(name("read_cell", Cell{cell}), [&]() -> Value {
    return node("cell(" + std::to_string(cell) + ")", [&]() -> Value {
      const int value = state_.cells[static_cast<size_t>(cell)];
      return value < 0 ? Value() : value;
    });
  });
}
NaiveEvaluator::Value NaiveEvaluator::whim() {
  return node(name("whim", Cell{0}), [&] { return Value(state_.whim); });
}
NaiveEvaluator::Value NaiveEvaluator::today(int cell) {
  return node(name("today", Cell{cell}), [&] { return Value(state_.today); });
}
NaiveEvaluator::Value NaiveEvaluator::daily(int at) {
  return node(name("daily", Cell{at}), [&]() -> Value {
    const Value day = today(at);
    const Value value = cell(at);
    return value ? Value((*day + *value) % 4) : Value();
  });
}

NaiveEvaluator::Value NaiveEvaluator::fib(int n) {
  return node(name("fib", N{n}), [&]() -> Value {
    if (n < 2) return cell(n);
    const Value one = fib(n - 1);
    const Value other = fib(n - 2);
    return one && other ? Value((*one + 2 * *other) % 5) : Value();
  });
}

NaiveEvaluator::Value NaiveEvaluator::step(const Step& step, int sum_so_far, bool& tainted) {
  const auto tolerate = [&](Value value) {
    tainted |= !value;
    return value.value_or(kFailed);
  };
  switch (step.kind) {
    case Step::kOne:
      return sum(step.asked[0]);
    case Step::kEither:
      return sum(step.asked[sum_so_far % 2 == 0 ? 0 : 1]);
    case Step::kAll: {
      Value part = 0;
      for (const int next : step.asked) {
        const Value each = sum(next);
        part = part && each ? Value(fold(*part, *each)) : Value();
      }
      return part;
    }
    case Step::kTry:
      return tolerate(sum(step.asked[0]));
    case Step::kTryAll: {
      int part = 0;
      for (const int next : step.asked) part = fold(part, tolerate(cell(next % kCells)));
      return part;
    }
    case Step::kMixed: {
      const int tried = tolerate(cell(step.asked[0] % kCells));
      const Value got = sum(step.asked[1]);
      return got ? Value(fold(tried, *got)) : Value();
    }
    case Step::kCell:
      return cell(step.asked[0] % kCells);
    case Step::kDaily:
      return daily(step.asked[0] % kCells);
    case Step::kWhim:
      return whim();
  }
  return {};
}

NaiveEvaluator::Value NaiveEvaluator::sum(int n) {
  const std::string own = name("sum", N{n}, program_);
  return node(own, [&]() -> Value {
    int sum = n;
    for (const Step& next : steps_of(program_, N{n})) {
      const Value part = step(next, sum, visits_[own].tainted);
      if (!part) return {};
      sum = fold(sum, *part);
    }
    return sum % 4;
  });
}

NaiveEvaluator::Value NaiveEvaluator::salted(int n) {
  return node(name("salted", N{n}, program_, salt_), [&]() -> Value {
    const Value plain = sum(n);
    return plain ? Value(*plain + salt_.grains) : Value();
  });
}

NaiveEvaluator::Value NaiveEvaluator::reply(int color, int n) {
  if (color == 0) return node(name("red", Red{n}), [&] { return fib(n % 8); });
  if (color == 2) return node(name("green", Green{n}), [&] { return Value(n % 3); });
  return node(name("blue", Blue{n}, program_, salt_),
              [&] { return salt_.grains % 2 == 0 ? Value(n) : sum(n); });
}

NaiveEvaluator::Value NaiveEvaluator::gathered(int n) {
  return node(name("gather", N{n}, program_, salt_), [&]() -> Value {
    Value sum = 0;
    for (int color = 0; color < (variant_ >= 2 ? 3 : 2); ++color) {
      const Value each = reply(color, n);
      sum = sum && each ? Value(fold(*sum, *each)) : Value();
    }
    return sum;
  });
}

NaiveEvaluator::Value NaiveEvaluator::top(int n) {
  return node(name("top", N{n}, program_, salt_), [&]() -> Value {
    const Value seasoned = salted(n);
    if (!seasoned) return {};
    const Value all = gathered(n);
    const Value some = fib(n / 2);
    return all && some ? Value(*seasoned + 10 * *all + 10'000 * *some) : Value();
  });
}

}  // namespace kiln::rules::fuzz
