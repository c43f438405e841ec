#include "tests/fuzz/rules/toy_client.h"

namespace kiln::rules::fuzz {

std::optional<int> Question::answer(NaiveEvaluator& naive) const {
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

std::vector<Param> Rules::params(const Root& root, const Question& question) const {
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

std::string Client::verdict(int variant) const {
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

Task<Result<int>> Client::number(const Rules& rules) {
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

}  // namespace kiln::rules::fuzz
