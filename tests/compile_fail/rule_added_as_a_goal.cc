// expect: register a Rule with add(); a goal is a coroutine that returns a GoalRule<Gets<
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out> rule(const In& in) { co_return Out{in.text}; }

void add(RuleSet& set) { set.goal<&rule>("rule", "No goal."); }

}  // namespace kiln::rules
