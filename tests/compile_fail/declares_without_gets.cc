// expect: what a rule may ask for is written Gets<Out(In), …>
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, int(In)> rule(const In&) { co_return Out{}; }

}  // namespace kiln::rules
