// Rules: pure coroutines from typed params to one typed value.
//
//   Rule<LintResult, Gets<Snapshot(PathGlobs), FallibleProcessResult(Process)>>
//   lint_one(const ShellFile& file) {
//     const auto& sources = co_await get<Snapshot>(PathGlobs{{file.path}});
//     const auto& result = co_await get<FallibleProcessResult>(shellcheck_of(file, sources));
//     co_return LintResult::from(result);
//   }
//
// What:    the parameters are values that the engine finds: a param in scope, or what a rule makes
//          of those. What the body may ask for is declared in its type; an undeclared get does not
//          compile. `get<Out>(in…)` adds its inputs to the params in scope; `all(…)` asks for
//          several at once; `try_get` gives a Result where `get` would end the rule.
// Owns:    what a rule got lives until the rule has returned, so answers are references.
// Cancels: a rule that nobody waits for any more is destroyed where it waits; so is one of whose
//          gets one failed. Destructors run; nothing after the co_await does.
// Fails:   `co_return` an Error, or let a get fail. An exception that escapes is a bug's error.
// Threads: a body runs on the graph's executor, on one thread at a time, and must not block.
#pragma once

#include <coroutine>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/rules/get.h"
#include "daemon/rules/rule_promise.h"

namespace kiln::rules {

// A rule's coroutine, suspended where it waits; what a Rule and a GoalRule have inside.
class RuleBody {
 public:
  RuleBody(std::coroutine_handle<> handle, internal::RulePromiseBase& promise)
      : handle_(handle), promise_(&promise) {}
  RuleBody(RuleBody&& other) noexcept
      : handle_(std::exchange(other.handle_, {})), promise_(other.promise_) {}
  RuleBody& operator=(RuleBody&&) = delete;
  ~RuleBody() {
    if (handle_) handle_.destroy();
  }

  // Runs on, until it waits again or has returned. Everything it waited for was supplied.
  void resume() { handle_.resume(); }
  bool done() const { return handle_.done(); }
  // Once done.
  Result<graph::ValueRef> result() { return *std::move(promise_->returned); }
  // What it waits for: wants, or an effect.
  std::span<const Want> wants() const { return promise_->wants; }
  const Effect* effect() const { return promise_->effect ? &*promise_->effect : nullptr; }
  // One answer for each want.
  void supply(std::vector<WantAnswer> answers);
  void supply(Result<void> effect_result);

 private:
  std::coroutine_handle<> handle_;
  internal::RulePromiseBase* promise_;
};

namespace internal {
template <class Argument>
inline constexpr bool kIsConst = std::is_const_v<std::remove_reference_t<Argument>>;
// As const In& or In, or what has no such form.
template <class Argument>
inline constexpr bool kOnlyRead = !std::is_pointer_v<std::remove_cvref_t<Argument>> &&
                                  !std::is_volatile_v<std::remove_reference_t<Argument>> &&
                                  (!std::is_reference_v<Argument> ||
                                   (std::is_lvalue_reference_v<Argument> && kIsConst<Argument>));
template <class Argument>
inline constexpr bool kIsEffect = SideEffect<std::remove_cvref_t<Argument>>;
template <class Argument>
inline constexpr bool kIsValue = EngineValue<std::remove_cvref_t<Argument>>;
}  // namespace internal

// The return type of a rule's coroutine.
template <class Out, class G = Gets<>>
class [[nodiscard]] Rule {
  static_assert(internal::kIsGets<G>, "what a rule may ask for is written Gets<Out(In), …>");
  static_assert(EngineValue<Out>,
                "a rule returns an engine value: a kTypeName, == and fields (see "
                "daemon/rules/values/encoding.h)");

 public:
  struct promise_type : internal::RulePromise<Out, G> {
    Rule get_return_object() {
      return Rule(RuleBody(std::coroutine_handle<promise_type>::from_promise(*this), *this));
    }
  };
  RuleBody body() && { return std::move(body_); }

 private:
  explicit Rule(RuleBody body) : body_(std::move(body)) {}
  RuleBody body_;
};

// The return type of a goal rule: it may take side effects as parameters, is never memoized, and
// returns an exit code.
template <class G = Gets<>>
class [[nodiscard]] GoalRule {
  static_assert(internal::kIsGets<G>, "what a goal may ask for is written Gets<Out(In), …>");

 public:
  struct promise_type : internal::GoalPromise<G> {
    GoalRule get_return_object() {
      return GoalRule(RuleBody(std::coroutine_handle<promise_type>::from_promise(*this), *this));
    }
  };
  RuleBody body() && { return std::move(body_); }

 private:
  explicit GoalRule(RuleBody body) : body_(std::move(body)) {}
  RuleBody body_;
};

}  // namespace kiln::rules

// What a coroutine that returns a Rule may take.
template <class Out, class G, class... Arguments>
struct std::coroutine_traits<kiln::rules::Rule<Out, G>, Arguments...> {
  static_assert((!kiln::rules::internal::kIsEffect<Arguments> && ...),
                "only a goal rule may have side effects: take them as parameters of a GoalRule<…>");
  static_assert((kiln::rules::internal::kOnlyRead<Arguments> && ...),
                "a rule takes its parameters as const In& or as In: what it is given is shared "
                "with all who ask");
  static_assert(
      (kiln::rules::internal::kIsValue<Arguments> && ...),
      "the parameters of a rule are engine values: a kTypeName, == and fields (see "
      "daemon/rules/values/encoding.h); and a rule is a function, no lambda and no member");
  using promise_type = typename kiln::rules::Rule<Out, G>::promise_type;
};
// And a GoalRule.
template <class G, class... Arguments>
struct std::coroutine_traits<kiln::rules::GoalRule<G>, Arguments...> {
  static_assert(((!kiln::rules::internal::kIsEffect<Arguments> ||
                  (std::is_lvalue_reference_v<Arguments> &&
                   !kiln::rules::internal::kIsConst<Arguments>)) &&
                 ...),
                "a goal rule takes its side effects by reference: Console& console");
  static_assert(((kiln::rules::internal::kIsEffect<Arguments> ||
                  kiln::rules::internal::kOnlyRead<Arguments>)&&...),
                "a goal rule takes values as const In& or as In: what it is given is shared with "
                "all who ask");
  static_assert(
      ((kiln::rules::internal::kIsEffect<Arguments> ||
        kiln::rules::internal::kIsValue<Arguments>)&&...),
      "the parameters of a goal rule are side effects and engine values: a kTypeName, == "
      "and fields (see daemon/rules/values/encoding.h); and it is a function, no lambda and no "
      "member");
  using promise_type = typename kiln::rules::GoalRule<G>::promise_type;
};
