// expect: and a rule is a function, no lambda and no member
#include "tests/compile_fail/values.h"

namespace kiln::rules {

void add(RuleSet& set) {
  set.add<[](const In& in) -> Rule<Out> { co_return Out{in.text}; }>();
}

}  // namespace kiln::rules
