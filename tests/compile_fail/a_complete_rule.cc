#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<int> count(const In& in) { co_return static_cast<int>(in.text.size()); }

Rule<Out, Gets<int(In), Out(In)>> rule(const In& in) {
  const auto& length = co_await get<int>(in);
  const auto tried = co_await try_get<int>(In{"tried"});
  const auto& [one, two] = co_await all(get<Out>(In{"one"}), get<int>(In{"two"}));
  for (const int n : co_await all(std::vector{get<int>(in), get<int>(in)})) (void)n;
  if (!tried.ok()) co_return tried.error();
  co_return Out{one.text + std::to_string(length + two)};
}

GoalRule<Gets<Out(In)>> goal(Console& console, const In& in) {
  console.print((co_await get<Out>(in)).text);
  co_return 0;
}

RuleSet rules() {
  RuleSet set;
  set.add<&count>();
  set.add<&rule>();
  set.goal<&goal>("goal", "A goal.");
  return set;
}

}  // namespace kiln::rules
