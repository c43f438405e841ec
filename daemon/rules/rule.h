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

#include <array>
#include <coroutine>
#include <exception>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "daemon/async/frame_pool.h"
#include "daemon/async/task.h"
#include "daemon/rules/param.h"

namespace kiln::rules {

// What a rule may ask for, as signatures: Out(In…).
template <class... Signatures>
struct Gets {};

// A value of the graph, kept alive.
template <class T>
class Ref {
 public:
  explicit Ref(graph::ValueRef value) : value_(std::move(value)) {}
  const T& operator*() const { return static_cast<const graph::Boxed<T>&>(*value_).get(); }
  const T* operator->() const { return &**this; }

 private:
  graph::ValueRef value_;
};

// The values of a range of gets, in order.
template <class T>
class Many {
 public:
  explicit Many(std::vector<Ref<T>> values) : values_(std::move(values)) {}

  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(typename std::vector<Ref<T>>::const_iterator at) : at_(at) {}
    const T& operator*() const { return **at_; }
    const T* operator->() const { return &**at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    typename std::vector<Ref<T>>::const_iterator at_;
  };
  Iterator begin() const { return Iterator(values_.begin()); }
  Iterator end() const { return Iterator(values_.end()); }
  size_t size() const { return values_.size(); }
  const T& operator[](size_t i) const { return *values_[i]; }

 private:
  std::vector<Ref<T>> values_;
};

// One get, type-erased: which of the rule's Gets it is, and its inputs.
struct Want {
  uint32_t get = 0;
  bool tolerant = false;  // the rule wants to see an error
  absl::InlinedVector<Param, 1> inputs;
};
using WantAnswer = Result<graph::ValueRef>;

// A get that has been written down and not yet asked.
template <class Out, class... In>
struct [[nodiscard("co_await it")]] Get {
  absl::InlinedVector<Param, 1> inputs;
};
template <class Out, class... In>
struct [[nodiscard("co_await it")]] TryGet {
  absl::InlinedVector<Param, 1> inputs;
};

// A value of some member of the union `Base`.
template <UnionBase Base>
struct MemberOf {
  Param param;
};

namespace internal {
template <class... In>
constexpr void check_inputs() {
  static_assert((EngineValue<In> && ...),
                "what a get is given is an engine value: a kTypeName, == and fields (see "
                "daemon/rules/encoding.h)");
}
}  // namespace internal

template <class Out, class... In>
Get<Out, std::remove_cvref_t<In>...> get(In&&... inputs) {
  internal::check_inputs<std::remove_cvref_t<In>...>();
  return {{make_param(std::remove_cvref_t<In>(std::forward<In>(inputs)))...}};
}
template <class Out, UnionBase Base>
Get<Out, Base> get(MemberOf<Base> member) {
  return {{std::move(member.param)}};
}
template <class Out, class... In>
TryGet<Out, std::remove_cvref_t<In>...> try_get(In&&... inputs) {
  internal::check_inputs<std::remove_cvref_t<In>...>();
  return {{make_param(std::remove_cvref_t<In>(std::forward<In>(inputs)))...}};
}
template <class Out, UnionBase Base>
TryGet<Out, Base> try_get(MemberOf<Base> member) {
  return {{std::move(member.param)}};
}

template <class... Asked>
struct [[nodiscard("co_await it")]] All {
  std::tuple<Asked...> asked;
};
template <class Asked>
struct [[nodiscard("co_await it")]] AllOfRange {
  std::vector<Asked> asked;
};

template <class... Asked>
All<Asked...> all(Asked... asked) {
  return {{std::move(asked)...}};
}
template <class Asked>
AllOfRange<Asked> all(std::vector<Asked> asked) {
  return {std::move(asked)};
}

// Something that a goal rule does to the world; done when it is awaited.
struct [[nodiscard("co_await it")]] Effect {
  std::function<Task<Result<void>>()> act;
};

namespace internal {

template <class Signature, class... Signatures>
constexpr size_t index_of(Gets<Signatures...>) {
  size_t index = 0;
  (void)((std::is_same_v<Signature, Signatures> || (++index, false)) || ...);
  return index;
}
template <class Signature, class G>
inline constexpr bool kDeclared = false;
template <class Signature, class... Signatures>
inline constexpr bool kDeclared<Signature, Gets<Signatures...>> =
    (std::is_same_v<Signature, Signatures> || ...);

template <class Asked>
struct AskedTraits;
template <class Out, class... In>
struct AskedTraits<Get<Out, In...>> {
  using Signature = Out(In...);
  static constexpr bool kTolerant = false;
  using Answer = const Out&;
  static Answer answer(const WantAnswer& answer) {
    return static_cast<const graph::Boxed<Out>&>(**answer).get();
  }
  using Element = Ref<Out>;
  using Elements = Many<Out>;
};
template <class Out, class... In>
struct AskedTraits<TryGet<Out, In...>> {
  using Signature = Out(In...);
  static constexpr bool kTolerant = true;
  using Answer = Result<Ref<Out>>;
  static Answer answer(const WantAnswer& answer) {
    if (!answer.ok()) return answer.error();
    return Ref<Out>(*answer);
  }
  using Element = Answer;
  using Elements = std::vector<Answer>;
};

// What the driver of a rule sees of its coroutine.
struct RulePromiseBase {
  static void* operator new(size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* frame, size_t bytes) noexcept {
    frame_pool::deallocate(frame, bytes);
  }
  std::suspend_always initial_suspend() noexcept { return {}; }
  std::suspend_always final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept;

  // Suspended: what it waits for. At its end: what it returned.
  absl::InlinedVector<Want, 1> wants;
  std::optional<Effect> effect;
  std::optional<Result<graph::ValueRef>> returned;
  // What it was answered, kept for its life; those of the current wants from `fresh` on.
  std::vector<WantAnswer> answers;
  size_t fresh = 0;
  Result<void> effect_result;
};

template <class Asked, class G>
void add_want(RulePromiseBase& promise, Asked&& asked) {
  using Traits = AskedTraits<std::remove_cvref_t<Asked>>;
  promise.wants.push_back({static_cast<uint32_t>(index_of<typename Traits::Signature>(G{})),
                           Traits::kTolerant, std::move(asked.inputs)});
}

struct SuspendForAnswers {
  RulePromiseBase& promise;
  bool await_ready() const noexcept { return promise.wants.empty(); }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  const WantAnswer& answer(size_t i) const { return promise.answers[promise.fresh + i]; }
};

template <class Asked>
struct OneAnswer : SuspendForAnswers {
  typename AskedTraits<Asked>::Answer await_resume() const {
    return AskedTraits<Asked>::answer(answer(0));
  }
};
template <class... Asked>
struct TupleOfAnswers : SuspendForAnswers {
  std::tuple<typename AskedTraits<Asked>::Answer...> await_resume() const {
    return take(std::index_sequence_for<Asked...>());
  }
  template <size_t... I>
  std::tuple<typename AskedTraits<Asked>::Answer...> take(std::index_sequence<I...>) const {
    return {AskedTraits<Asked>::answer(answer(I))...};
  }
};
template <class Asked>
struct RangeOfAnswers : SuspendForAnswers {
  size_t count;
  typename AskedTraits<Asked>::Elements await_resume() const {
    using Element = typename AskedTraits<Asked>::Element;
    std::vector<Element> elements;
    elements.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      if constexpr (AskedTraits<Asked>::kTolerant) {
        elements.push_back(AskedTraits<Asked>::answer(answer(i)));
      } else {
        elements.push_back(Element(*answer(i)));
      }
    }
    return typename AskedTraits<Asked>::Elements(std::move(elements));
  }
};
struct AwaitEffect {
  RulePromiseBase& promise;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  Result<void> await_resume() const { return promise.effect_result; }
};

template <class>
inline constexpr bool kNever = false;

template <class Out, class G>
struct RulePromise : RulePromiseBase {
  template <class U>
  void return_value(U&& result) {
    Result<Out> made(std::forward<U>(result));
    if (made.ok()) {
      returned.emplace(graph::make_value<Out>(*std::move(made)));
    } else {
      returned.emplace(made.error());
    }
  }

  template <class T, class... In>
  OneAnswer<Get<T, In...>> await_transform(Get<T, In...> asked) {
    want(std::move(asked));
    return {{*this}};
  }
  template <class T, class... In>
  OneAnswer<TryGet<T, In...>> await_transform(TryGet<T, In...> asked) {
    want(std::move(asked));
    return {{*this}};
  }
  template <class... Asked>
  TupleOfAnswers<Asked...> await_transform(All<Asked...> all) {
    std::apply([&](auto&... asked) { (want(std::move(asked)), ...); }, all.asked);
    return {{*this}};
  }
  template <class Asked>
  RangeOfAnswers<Asked> await_transform(AllOfRange<Asked> all) {
    const size_t count = all.asked.size();
    for (Asked& asked : all.asked) want(std::move(asked));
    return {{*this}, count};
  }
  template <class T>
  std::suspend_never await_transform(T&&) {
    static_assert(kNever<T>, "a rule may await get, try_get and all; nothing else");
    return {};
  }

 private:
  template <class Asked>
  void want(Asked&& asked) {
    using Signature = typename AskedTraits<std::remove_cvref_t<Asked>>::Signature;
    static_assert(kDeclared<Signature, G>,
                  "this rule asks for what it does not declare: add the signature Out(In) of the "
                  "get to the Gets<…> of its Rule<…>");
    add_want<Asked, G>(*this, std::forward<Asked>(asked));
  }
};

template <class G>
struct GoalPromise : RulePromise<int, G> {
  using RulePromise<int, G>::await_transform;
  AwaitEffect await_transform(Effect effect) {
    this->effect.emplace(std::move(effect));
    return {*this};
  }
};

}  // namespace internal

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

// The return type of a rule's coroutine.
template <class Out, class G = Gets<>>
class [[nodiscard]] Rule {
  static_assert(EngineValue<Out>,
                "a rule returns an engine value: a kTypeName, == and fields (see "
                "daemon/rules/encoding.h)");

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
  static_assert((!kiln::rules::SideEffect<std::remove_cvref_t<Arguments>> && ...),
                "only a goal rule may have side effects: take them as parameters of a GoalRule<…>");
  static_assert((kiln::rules::EngineValue<std::remove_cvref_t<Arguments>> && ...),
                "the parameters of a rule are engine values: a kTypeName, == and fields (see "
                "daemon/rules/encoding.h)");
  using promise_type = typename kiln::rules::Rule<Out, G>::promise_type;
};
// And a GoalRule.
template <class G, class... Arguments>
struct std::coroutine_traits<kiln::rules::GoalRule<G>, Arguments...> {
  static_assert(((kiln::rules::SideEffect<std::remove_cvref_t<Arguments>> ||
                  kiln::rules::EngineValue<std::remove_cvref_t<Arguments>>)&&...),
                "the parameters of a goal rule are side effects and engine values: a kTypeName, == "
                "and fields (see daemon/rules/encoding.h)");
  using promise_type = typename kiln::rules::GoalRule<G>::promise_type;
};
