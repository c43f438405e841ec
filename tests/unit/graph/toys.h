// Toy functions for the graph: integers in, integers out, and a record of what ran.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "daemon/async/executor.h"
#include "daemon/async/one_shot.h"
#include "daemon/async/scope.h"
#include "daemon/graph/graph.h"

namespace kiln::graph::toys {

// What ran, in order: "sum(3)".
class Record {
 public:
  void add(std::string what) {
    ran_.with([&](auto& ran) { ran.push_back(std::move(what)); });
  }
  // What ran since the last call, sorted.
  std::vector<std::string> take() {
    auto taken = ran_.with([](auto& ran) { return std::exchange(ran, {}); });
    std::sort(taken.begin(), taken.end());
    return taken;
  }

 private:
  Synchronized<std::vector<std::string>> ran_;
};

// A function of one int whose body is a closure that lives as long as the function.
class Toy final : public Function {
 public:
  using Body = std::function<Task<Result<Computed>>(Context&, int)>;
  Toy(std::string name, Record& record, Body body)
      : name_(std::move(name)), record_(record), body_(std::move(body)) {}

  std::string_view name() const override { return name_; }
  Task<Result<Computed>> compute(Context& context, const Value& input) const override {
    const int n = value_as<int>(input);
    record_.add(name_ + "(" + std::to_string(n) + ")");
    return body_(context, n);
  }
  std::string describe(const Value& input) const override {
    return name_ + "(" + std::to_string(value_as<int>(input)) + ")";
  }
  Key operator()(int n) const {
    const std::string encoded = name_ + "/" + std::to_string(n);
    return Key{xxh3_128(encoded), this, make_value(n)};
  }

 private:
  const std::string name_;
  Record& record_;
  const Body body_;
};

inline Computed computed(int n, Validity validity = Validity::kForever) {
  return Computed{make_value(n), validity};
}

// Leaves that a test sets: their values are read from here when they run.
class Leaves {
 public:
  int get(int leaf) const {
    return values_.with([&](const auto& values) {
      const auto found = values.find(leaf);
      return found == values.end() ? 0 : found->second;
    });
  }
  void set(int leaf, int value) {
    values_.with([&](auto& values) { values[leaf] = value; });
  }

 private:
  Synchronized<std::map<int, int>> values_;
};

// A request at work, and its answer once it is there.
class Asked {
 public:
  Asked(Executor& executor, Graph& graph, Key key, RunId run = RunId{1}) {
    scope_.spawn(executor, ask(graph, std::move(key), run, stop_.get_token(), answer_));
  }
  ~Asked() { scope_.join(); }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  void cancel() { stop_.request_stop(); }
  bool done() const {
    return answer_.with([](const auto& answer) { return answer.has_value(); });
  }
  Result<Answer> answer() const {
    return answer_.with([](const auto& answer) { return answer.value(); });
  }
  int value() const {
    const Result<Answer> result = answer();
    KILN_CHECK(result.ok(), result.ok() ? "" : result.error().to_string());
    return value_as<int>(result->value);
  }

 private:
  using Slot = Synchronized<std::optional<Result<Answer>>>;
  static Task<void> ask(Graph& graph, Key key, RunId run, std::stop_token stop, Slot& slot) {
    Result<Answer> result = co_await graph.request(std::move(key), run, std::move(stop));
    slot.with([&](auto& answer) { answer.emplace(std::move(result)); });
  }
  std::stop_source stop_;
  Slot answer_;
  Scope scope_;
};

// A door in a function: it waits here until the test opens it.
class Door {
 public:
  Task<void> wait() {
    ++waiting_;
    co_await shot_;
  }
  void open() { shot_.set(0); }
  int waiting() const { return waiting_; }

 private:
  std::atomic<int> waiting_{0};
  OneShot<int> shot_;
};

// Suspends until the token fires; resumes on the executor.
class UntilStopped {
 public:
  UntilStopped(std::stop_token token, Executor& executor)
      : token_(std::move(token)), executor_(executor) {}
  bool await_ready() const { return token_.stop_requested(); }
  KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) {
    on_stop_.emplace(token_, Resume{executor_, gate_, waiter});
    return gate_.fetch_sub(1) != 1;
  }
  void await_resume() {}

 private:
  struct Resume {
    Executor& executor;
    std::atomic<int>& gate;
    std::coroutine_handle<> waiter;
    void operator()() const {
      if (gate.fetch_sub(1) != 1) return;
      executor.post([handle = waiter] { handle.resume(); });
    }
  };
  std::stop_token token_;
  Executor& executor_;
  std::atomic<int> gate_{2};  // stopped, and suspended: then it is resumed
  std::optional<std::stop_callback<Resume>> on_stop_;
};

// A graph over a manual executor: everything runs when the test says so.
struct World {
  Record record;
  Leaves leaves;
  ManualExecutor executor;
  Toy leaf{"leaf", record, [this](Context&, int n) { return read_leaf(n); }};

  Task<Result<Computed>> read_leaf(int n) { co_return computed(leaves.get(n)); }
  // Sets and invalidates.
  void set(Graph& graph, int n, int value) {
    leaves.set(n, value);
    const Hash128 hash = leaf(n).hash;
    graph.invalidate({&hash, 1});
  }
  int ask(Graph& graph, Key key, RunId run = RunId{1}) {
    return value_as<int>(answer(graph, std::move(key), run)->value);
  }
  Result<Answer> answer(Graph& graph, Key key, RunId run = RunId{1}) {
    Asked asked(executor, graph, std::move(key), run);
    executor.drain();
    return asked.answer();
  }
};

using Ran = std::vector<std::string>;

}  // namespace kiln::graph::toys
