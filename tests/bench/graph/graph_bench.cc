// The memo's costs per node, look-up and edge, each beside a floor measured in the same run.
#include <absl/container/flat_hash_map.h>
#include <benchmark/benchmark.h>

#include <memory>
#include <unordered_map>

#include "daemon/async/sync_wait.h"
#include "daemon/graph/graph.h"

namespace kiln::graph {
namespace {

// chain(n) = chain(n-1) + chain(n-2), every node asked for once and found once.
class Fib final : public Function {
 public:
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
    if (n < 2) co_return Computed{make_value(1)};
    KILN_CO_ASSIGN(const ValueRef first, co_await context.get(key(n - 1)));
    KILN_CO_ASSIGN(const ValueRef second, co_await context.get(key(n - 2)));
    co_return Computed{make_value((value_as<int>(first) + value_as<int>(second)) % 1000)};
  }
};

Result<Answer> ask(Executor& executor, Graph& graph, Key key) {
  return sync_wait(executor, graph.request(std::move(key), RunId{1}, std::stop_token()));
}

void FirstRun(benchmark::State& state) {
  const int nodes = static_cast<int>(state.range(0));
  const Fib fib;
  uint64_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ThreadPool pool("bench", 1);
    auto graph = std::make_unique<Graph>(pool);
    state.ResumeTiming();
    benchmark::DoNotOptimize(ask(pool, *graph, fib.key(nodes)));
    state.PauseTiming();
    bytes = graph->stats().node_bytes / graph->stats().nodes;
    graph.reset();
    state.ResumeTiming();
  }
  state.counters["bytes/node"] = static_cast<double>(bytes);
  state.SetItemsProcessed(state.iterations() * nodes);
}
BENCHMARK(FirstRun)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// The floor: a recursive memo of heap nodes in a std::unordered_map, no threads, no changes.
void FirstRunOfANaiveMemo(benchmark::State& state) {
  struct Memo {
    struct Node {
      int value = 0;
      std::vector<Node*> deps;
    };
    std::unordered_map<Hash128, std::unique_ptr<Node>> nodes;
    Node* at(int n) {
      const std::string_view bytes(reinterpret_cast<const char*>(&n), sizeof n);
      auto& node = nodes[xxh3_128(bytes)];
      if (!node) node = std::make_unique<Node>();
      return node.get();
    }
  };
  const int nodes = static_cast<int>(state.range(0));
  for (auto _ : state) {
    Memo memo;
    for (int n = 0; n <= nodes; ++n) {  // bottom up: it would overflow the stack
      Memo::Node* node = memo.at(n);
      if (n >= 2) node->deps = {memo.at(n - 1), memo.at(n - 2)};
      node->value = n;
    }
    benchmark::DoNotOptimize(memo.nodes.size());
  }
  state.SetItemsProcessed(state.iterations() * nodes);
}
BENCHMARK(FirstRunOfANaiveMemo)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

constexpr int kWarm = 1'000'000;

Task<void> look_up(Graph& graph, const Fib& fib, benchmark::State& state) {
  int n = 0;
  for (auto _ : state) {
    n = (n + 7919) % kWarm;
    benchmark::DoNotOptimize(co_await graph.request(fib.key(n), RunId{1}, std::stop_token()));
  }
}
void WarmLookUp(benchmark::State& state) {
  const Fib fib;
  ThreadPool pool("bench", 1);
  Graph graph(pool);
  (void)ask(pool, graph, fib.key(kWarm));
  sync_wait(pool, look_up(graph, fib, state));
}
BENCHMARK(WarmLookUp)->UseRealTime();

void RawLookUp(benchmark::State& state) {
  const Fib fib;
  absl::flat_hash_map<Hash128, std::unique_ptr<Key>, std::hash<Hash128>> nodes;
  for (int n = 0; n < kWarm; ++n) nodes[fib.key(n).hash] = std::make_unique<Key>(fib.key(n));
  int n = 0;
  for (auto _ : state) {
    n = (n + 7919) % kWarm;
    const Key key = fib.key(n);
    benchmark::DoNotOptimize(ValueRef(nodes.find(key.hash)->second->input));
  }
}
BENCHMARK(RawLookUp);

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
BENCHMARK(InvalidateAll)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace kiln::graph
