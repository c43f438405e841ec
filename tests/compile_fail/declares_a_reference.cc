// expect: a signature names types alone: Out(In), not Out(const In&)
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<int(const In&)>> rule(const In&) { co_return Out{}; }

}  // namespace kiln::rules
