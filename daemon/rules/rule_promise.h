// The coroutine of a rule: what may be awaited in it, and what its driver sees of it.
// Threads: single-owner: the driver's (application.h).
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/async/frame_pool.h"
#include "daemon/rules/get.h"

namespace kiln::rules::internal {

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

template <class Out, class G>
struct RulePromise : RulePromiseBase {
  template <class U>
  void return_value(U&& result) {
    static_assert(std::constructible_from<Result<Out>, U>,
                  "a rule co_returns a value of its product's type, and a goal its exit code; or "
                  "an Error, or a Result of either");
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
  auto await_transform(T&&) {
    static_assert(kNever<T>,
                  "a rule may await get, try_get and all; nothing else. Another rule is not called "
                  "but asked: co_await get<Out>(in)");
    return std::suspend_never();
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

}  // namespace kiln::rules::internal
