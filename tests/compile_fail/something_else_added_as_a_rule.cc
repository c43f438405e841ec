// expect: a rule is a coroutine that returns a Rule<Out, Gets<
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Out no_rule(const In& in) { return Out{in.text}; }

void add(RuleSet& set) { set.add<&no_rule>(); }

}  // namespace kiln::rules
