// A rule set at work: compiled, over a graph on the test's thread, asked as clients ask.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "daemon/async/scope.h"
#include "daemon/graph/observer.h"
#include "daemon/rules/effects.h"
#include "daemon/rules/root_run.h"

namespace kiln::rules {

// What the world says under a name. Rules read it through the intrinsic `read_fact`.
struct FactName {
  static constexpr std::string_view kTypeName = "FactName";
  std::string name;
  static void fields(auto& self, auto&& field) { field("name", self.name); }
  friend bool operator==(const FactName&, const FactName&) = default;
};
struct Fact {
  static constexpr std::string_view kTypeName = "Fact";
  int value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  friend bool operator==(const Fact&, const Fact&) = default;
};

// Which nodes ran: "fibonacci(int(3))".
class RanRecord final : public graph::Observer {
 public:
  SpanId function_started(const graph::FunctionStart& start) override {
    ran_.with([&](auto& ran) { ran.push_back(start.key.describe()); });
    return {};
  }
  void function_ended(const graph::FunctionEnd&) override {}
  void answered(const graph::Remembered&) override {}

  // Since the last call, in the order in which they began.
  std::vector<std::string> take() {
    return ran_.with([](auto& ran) { return std::exchange(ran, {}); });
  }

 private:
  Synchronized<std::vector<std::string>> ran_;
};

// A root at work, and its answer once it is there.
template <class T>
class Underway {
 public:
  using Start = std::function<Task<Result<T>>(RootRun&)>;
  Underway(Executor& executor, RootRun::Surroundings surroundings, Start start)
      : root_(with_stop(std::move(surroundings))), start_(std::move(start)) {
    scope_.spawn(executor, run());
  }
  ~Underway() { scope_.join(); }

  void cancel() { stop_.request_stop(); }
  bool done() const {
    return answer_.with([](const auto& answer) { return answer.has_value(); });
  }
  Result<T> answer() const {
    return answer_.with([](const auto& answer) { return answer.value(); });
  }
  // Waits for it on this thread; for a root on a pool.
  Result<T> wait() {
    scope_.join();
    return answer();
  }
  RootRun& root() { return root_; }

 private:
  RootRun::Surroundings with_stop(RootRun::Surroundings surroundings) {
    surroundings.stop = stop_.get_token();
    return surroundings;
  }
  Task<void> run() {
    Result<T> result = co_await start_(root_);
    answer_.with([&](auto& answer) { answer.emplace(std::move(result)); });
  }

  std::stop_source stop_;
  RootRun root_;
  const Start start_;
  Synchronized<std::optional<Result<T>>> answer_;
  Scope scope_;
};

class RuntimeTest : public testing::Test {
 protected:
  using Ran = std::vector<std::string>;
  using UnderwayValue = std::unique_ptr<Underway<graph::ValueRef>>;

  RuleSet set;  // the test's; compiled on first use
  ManualExecutor executor;
  RanRecord record;
  std::function<void(int)> on_synchronize;  // with how often it was called before
  std::vector<Console::Text> printed;       // read when nothing runs
  Mutex printing_;
  RunId run{1};
  graph::Options options;  // of the graph, until it is used first

  void add_facts() {
    set.intrinsic<Fact(FactName)>(
        "read_fact", [this](graph::Context&, const FactName& name) { return read_fact(name); });
  }
  // Each finished change is a tick of the clock.
  void set_fact(const std::string& name, std::optional<int> value) {
    facts_[name] = value;
    invalidate("read_fact", FactName{name});
  }
  // The node of a rule of one param.
  template <class P>
  void invalidate(std::string_view rule, P param) {
    ++clock_.value;
    for (const auto& entry : graph_of_rules().entries()) {
      if (entry->rule.info.name != rule) continue;
      const Hash128 key = entry->key({make_param(param)}).hash;
      graph().invalidate({&key, 1});
    }
  }
  // What roots begin with.
  template <EngineValue T>
  void give(T value) {
    given_.insert_or_assign(type_of<T>(), make_param(std::move(value)));
  }
  void give(Param param) { given_.insert_or_assign(param.type, param); }

  const RuleGraph& graph_of_rules() {
    if (rules_ == nullptr) {
      RuleGraph::Compiled compiled = RuleGraph::compile(set);
      KILN_CHECK(compiled.graph != nullptr, to_text(compiled.errors).c_str());
      rules_ = std::move(compiled.graph);
    }
    return *rules_;
  }
  graph::Graph& graph() {
    if (!graph_) {
      options.observer = &record;
      graph_.emplace(on(), options);
    }
    return *graph_;
  }

  // From the start: on threads instead of the test's own. Then nothing drains; wait().
  void use_threads(size_t threads) { pool_ = std::make_unique<ThreadPool>("test", threads); }
  Executor& on() { return pool_ != nullptr ? static_cast<Executor&>(*pool_) : executor; }

  RootRun::Surroundings surroundings() {
    return {.graph = graph(),
            .run = run,
            .stop = {},
            .synchronize =
                [this] {
                  if (on_synchronize) on_synchronize(synchronized_++);
                  return clock_;
                },
            .print = [this](Console::Text text) -> Task<Result<void>> {
              const MutexLock lock(printing_);  // queries on several threads print nothing, too
              printed.push_back(std::move(text));
              co_return Result<void>();
            }};
  }

  template <class Out, class... In>
  UnderwayValue begin(In... inputs) {
    const std::vector<std::string> names{std::string(type_of<In>()->name)...};
    const Root* root = graph_of_rules().find_query(type_of<Out>()->name, names);
    KILN_CHECK(root != nullptr, "the test asks a query that it did not declare");
    std::vector<Param> scope = scope_of(*root, {make_param(std::move(inputs))...});
    return std::make_unique<Underway<graph::ValueRef>>(
        on(), surroundings(), [root, scope](RootRun& run) { return run.query(*root, scope); });
  }
  template <class Out, class... In>
  Result<Out> ask(In... inputs) {
    const auto underway = begin<Out>(std::move(inputs)...);
    executor.drain();
    const Result<graph::ValueRef> answer = underway->answer();
    if (!answer.ok()) return answer.error();
    return graph::value_as<Out>(*answer);
  }
  // `synchronized`: the barrier that was passed for it.
  std::unique_ptr<Underway<int>> begin_goal(std::string_view name, EffectSet effects = {},
                                            std::optional<ClockTick> synchronized = {}) {
    const Root* root = graph_of_rules().find_goal(name);
    KILN_CHECK(root != nullptr, "the test runs a goal that it did not declare");
    RootRun::Surroundings at = surroundings();
    at.synchronized = synchronized;
    return std::make_unique<Underway<int>>(
        on(), std::move(at), [root, scope = scope_of(*root, {}), effects](RootRun& run) {
          return run.goal(*root, scope, effects);
        });
  }
  Result<int> goal(std::string_view name, EffectSet effects = {}) {
    const auto underway = begin_goal(name, std::move(effects));
    executor.drain();
    return underway->answer();
  }
  // Whether the root, asked again in a new run, would read something else.
  bool changed(RootRun& root) {
    ++run.value;
    std::optional<Result<bool>> answer;
    Scope scope;
    scope.spawn(executor, [](RootRun& root, RunId run, auto& answer) -> Task<void> {
      answer.emplace(co_await root.changed(run));
    }(root, run, answer));
    executor.drain();
    scope.join();
    return **answer;
  }

 private:
  Task<Result<Fact>> read_fact(FactName name) {
    const auto found = facts_.find(name.name);
    if (found == facts_.end() || !found->second) {
      co_return user_error(ErrorCode::kNotFound, "there is no fact " + name.name);
    }
    co_return Fact{*found->second};
  }
  std::vector<Param> scope_of(const Root& root, std::vector<Param> inputs) {
    std::map<TypeId, Param> known = given_;
    for (const Constant& constant : graph_of_rules().rules().constants()) {
      known.emplace(constant.type, constant.make(graph_of_rules().rules().members()));
    }
    for (const Param& input : inputs) known.insert_or_assign(input.type, input);
    std::vector<Param> scope;
    for (const TypeId type : root.scope) {
      KILN_CHECK(known.contains(type), "the test did not give a param of the root");
      scope.push_back(known.at(type));
    }
    return scope;
  }

  std::unique_ptr<ThreadPool> pool_;
  std::map<std::string, std::optional<int>> facts_;
  std::map<TypeId, Param> given_;
  ClockTick clock_{1};
  int synchronized_ = 0;
  std::unique_ptr<const RuleGraph> rules_;  // before the graph that runs them
  std::optional<graph::Graph> graph_;
};

}  // namespace kiln::rules
