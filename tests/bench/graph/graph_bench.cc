// The memo's costs per node, look-up and edge, each beside a floor measured in the same run. The
// CPU column counts all threads of the process, so it means something on a busy machine.
#include <absl/container/flat_hash_map.h>
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "daemon/async/sync_wait.h"
#include "daemon/graph/graph.h"
#include "tests/bench/graph/bare_memo.h"

namespace kiln::graph {
namespace {

// Of this process, as the kernel has it.
size_t resident_bytes() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * static_cast<size_t>(::getpagesize());
}

// chain(n) = chain(n-1) + chain(n-2), every node asked for once and found once.
class Fib final : public Function {
 public:
  mutable std::atomic<size_t> resident_at_the_bottom = 0;

  std::string_view name() const override { return "fib"; }
  std::string describe(const Value& input) const override {
    return "fib(" + std::to_string(value_as<int>(input)) + ")";
  }
  Key key(int n) const {
    const std::string_view bytes(reinterpret_cast<const char*>(&n), sizeof n);
    return Key{xxh3_128(bytes), this, make_value(n)};
  }
  Task<Result<Computed>> compute(Context& context, const Value& input) const override {
    const int n = value_as<int>(input);
    if (n < 2) {
      // Of the whole chain, everyone else is suspended now.
      if (n == 1) resident_at_the_bottom = resident_bytes();
      co_return Computed{make_value(1)};
    }
    KILN_CO_ASSIGN(const ValueRef first, co_await context.get(key(n - 1)));
    KILN_CO_ASSIGN(const ValueRef second, co_await context.get(key(n - 2)));
    co_return Computed{make_value((value_as<int>(first) + value_as<int>(second)) % 1000)};
  }
};

Result<Answer> ask(Executor& executor, Graph& graph, Key key) {
  return sync_wait(executor, graph.request(std::move(key), RunId{1}, std::stop_token()));
}

void first_run(benchmark::State& state, Options options) {
  const int nodes = static_cast<int>(state.range(0));
  const Fib fib;
  uint64_t bytes = 0;
  uint64_t suspended = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ThreadPool pool("bench", 1);
    auto graph = std::make_unique<Graph>(pool, options);
    const size_t before = resident_bytes();
    state.ResumeTiming();
    benchmark::DoNotOptimize(ask(pool, *graph, fib.key(nodes)));
    state.PauseTiming();
    bytes = graph->stats().node_bytes / graph->stats().nodes;
    // The first time: later some of the memory is there already.
    if (suspended == 0) suspended = (fib.resident_at_the_bottom - before) / uint64_t(nodes);
    graph.reset();
    state.ResumeTiming();
  }
  state.counters["bytes/node"] = static_cast<double>(bytes);
  // Nodes, keys and all that the running functions hold, until they have run. Much of what a small
  // chain needs is kept from the one before it.
  if (nodes >= 1'000'000) state.counters["bytes/suspended"] = static_cast<double>(suspended);
  state.SetItemsProcessed(state.iterations() * nodes);
}
void FirstRun(benchmark::State& state) { first_run(state, {}); }
// A cap that is never reached, and one that lets half of the values stay.
void FirstRunUnderACap(benchmark::State& state) {
  first_run(state, {.value_bytes_cap = uint64_t{1} << 40});
}
void FirstRunThatEvicts(benchmark::State& state) {
  const size_t all = static_cast<size_t>(state.range(0)) * make_value(0)->bytes();
  first_run(state, {.value_bytes_cap = all / 2});
}
BENCHMARK(FirstRunUnderACap)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(FirstRunThatEvicts)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(FirstRun)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// The floor: the same chain without anything that makes a memo of it; see bare_memo.h.
void BareFirstRun(benchmark::State& state) {
  const auto nodes = static_cast<int>(state.range(0));
  for (auto _ : state) {
    BareMemo memo(static_cast<size_t>(nodes));
    benchmark::DoNotOptimize(memo.fib(nodes));
  }
  state.SetItemsProcessed(state.iterations() * nodes);
}
BENCHMARK(BareFirstRun)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// Of a million nodes, nearly every access misses the caches; of four thousand, none does.
constexpr int kWarm = 1'000'000;
constexpr int kWarmInCache = 4'000;

Task<void> look_up(Graph& graph, const Fib& fib, int nodes, benchmark::State& state) {
  int n = 0;
  for (auto _ : state) {
    n = (n + 7919) % nodes;
    benchmark::DoNotOptimize(co_await graph.request(fib.key(n), RunId{1}, std::stop_token()));
  }
}
void look_up_warm(benchmark::State& state, int nodes) {
  const Fib fib;
  ThreadPool pool("bench", 1);
  Graph graph(pool);
  (void)ask(pool, graph, fib.key(nodes));
  sync_wait(pool, look_up(graph, fib, nodes, state));
}
void WarmLookUp(benchmark::State& state) { look_up_warm(state, kWarm); }
void WarmLookUpInCache(benchmark::State& state) { look_up_warm(state, kWarmInCache); }
BENCHMARK(WarmLookUp)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(WarmLookUpInCache)->MeasureProcessCPUTime()->UseRealTime();

// The floor: as many keys in a hash map, the same key made, and a reference to a value.
void look_up_raw(benchmark::State& state, int count) {
  const Fib fib;
  absl::flat_hash_map<Hash128, std::unique_ptr<Key>, std::hash<Hash128>> nodes;
  for (int n = 0; n < count; ++n) nodes[fib.key(n).hash] = std::make_unique<Key>(fib.key(n));
  int n = 0;
  for (auto _ : state) {
    n = (n + 7919) % count;
    const Key key = fib.key(n);
    benchmark::DoNotOptimize(ValueRef(nodes.find(key.hash)->second->input));
  }
}
void RawLookUp(benchmark::State& state) { look_up_raw(state, kWarm); }
void RawLookUpInCache(benchmark::State& state) { look_up_raw(state, kWarmInCache); }
BENCHMARK(RawLookUp);
BENCHMARK(RawLookUpInCache);

// Sixty-four chains under one root, for one thread or two: key(lane * kLength + n) asks for n - 1.
class Lanes final : public Function {
 public:
  static constexpr int kLanes = 64;
  static constexpr int kLength = 4'000;
  static constexpr int kRoot = -1;

  std::string_view name() const override { return "lanes"; }
  std::string describe(const Value&) const override { return "lane"; }
  Key key(int n) const {
    const std::string_view bytes(reinterpret_cast<const char*>(&n), sizeof n);
    return Key{xxh3_128(bytes), this, make_value(n)};
  }
  Task<Result<Computed>> compute(Context& context, const Value& input) const override {
    const int n = value_as<int>(input);
    if (n == kRoot) {
      std::vector<Key> tops;
      for (int lane = 1; lane <= kLanes; ++lane) tops.push_back(key(lane * kLength - 1));
      KILN_CO_TRY(co_await context.get_all(std::move(tops)));
    } else if (n % kLength != 0) {
      KILN_CO_TRY(co_await context.get(key(n - 1)));
    }
    co_return Computed{make_value(n)};
  }
};

void FirstRunByThreads(benchmark::State& state) {
  const Lanes lanes;
  for (auto _ : state) {
    state.PauseTiming();
    ThreadPool pool("bench", static_cast<size_t>(state.range(0)));
    auto graph = std::make_unique<Graph>(pool);
    state.ResumeTiming();
    benchmark::DoNotOptimize(ask(pool, *graph, lanes.key(Lanes::kRoot)));
    state.PauseTiming();
    graph.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * Lanes::kLanes * Lanes::kLength);
}
BENCHMARK(FirstRunByThreads)
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// What the machine's processors let threads gain that share nothing: a bare memo each.
void BareByThreads(benchmark::State& state) {
  constexpr int kNodes = 100'000;
  for (auto _ : state) {
    std::vector<std::jthread> threads;
    for (int64_t i = 0; i < state.range(0); ++i) {
      threads.emplace_back([] { benchmark::DoNotOptimize(BareMemo(kNodes).fib(kNodes)); });
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * kNodes);
}
BENCHMARK(BareByThreads)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

// One node asks for many, of which one is invalidated and turns out unchanged.
class Wide final : public Function {
 public:
  static constexpr int kLeaves = 200'000;
  std::string_view name() const override { return "wide"; }
  std::string describe(const Value&) const override { return "wide"; }
  Key key(int n) const {
    const std::string_view bytes(reinterpret_cast<const char*>(&n), sizeof n);
    return Key{xxh3_128(bytes), this, make_value(n)};
  }
  Task<Result<Computed>> compute(Context& context, const Value& input) const override {
    if (value_as<int>(input) == kLeaves) {
      std::vector<Key> leaves;
      for (int n = 0; n < kLeaves; ++n) leaves.push_back(key(n));
      KILN_CO_TRY(co_await context.get_all(std::move(leaves)));
    }
    co_return Computed{make_value(1)};
  }
};

void DirtyScan(benchmark::State& state) {
  const Wide wide;
  ThreadPool pool("bench", 1);
  Graph graph(pool);
  (void)ask(pool, graph, wide.key(Wide::kLeaves));
  const Hash128 leaf = wide.key(Wide::kLeaves / 2).hash;
  for (auto _ : state) {
    graph.invalidate({&leaf, 1});
    benchmark::DoNotOptimize(ask(pool, graph, wide.key(Wide::kLeaves)));
  }
  state.SetItemsProcessed(state.iterations() * Wide::kLeaves);  // edges
}
BENCHMARK(DirtyScan)->Unit(benchmark::kMicrosecond)->MeasureProcessCPUTime()->UseRealTime();

// The floor: as many numbers, each found by the index that an edge names.
void RawScan(benchmark::State& state) {
  const std::vector<uint32_t> generations(Wide::kLeaves, 1);
  std::vector<std::pair<uint32_t, uint32_t>> edges;
  for (uint32_t n = 0; n < generations.size(); ++n) edges.emplace_back(n, 1);
  for (auto _ : state) {
    size_t changed = 0;
    for (const auto& [node, generation] : edges) {
      const uint32_t now = generations[node];
      benchmark::DoNotOptimize(now);
      changed += now != generation;
    }
    benchmark::DoNotOptimize(changed);
  }
  state.SetItemsProcessed(state.iterations() * Wide::kLeaves);
}
BENCHMARK(RawScan)->Unit(benchmark::kMicrosecond);

void InvalidateAll(benchmark::State& state) {
  const Fib fib;
  ThreadPool pool("bench", 1);
  Graph graph(pool);
  const Hash128 leaf = fib.key(0).hash;
  for (auto _ : state) {
    state.PauseTiming();
    (void)ask(pool, graph, fib.key(200'000));
    state.ResumeTiming();
    graph.invalidate({&leaf, 1});
  }
  state.SetItemsProcessed(state.iterations() * 400'000);  // edges
}
BENCHMARK(InvalidateAll)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace kiln::graph
