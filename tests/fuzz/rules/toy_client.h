// Clients of the toy rules, for the fuzzer: what they ask, and whether they were answered right.
// Threads: a Client belongs to who made it; it is answered on its executor.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/async/scope.h"
#include "daemon/rules/union.h"
#include "tests/fuzz/rules/toy_world.h"

namespace kiln::rules::fuzz {

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
  std::optional<int> answer(NaiveEvaluator& naive) const;
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
  std::vector<Param> params(const Root& root, const Question& question) const;

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
  std::string verdict(int variant) const;

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
  Task<Result<int>> number(const Rules& rules);
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

}  // namespace kiln::rules::fuzz
