// expect: what is asked for is written as a signature: Out(In), or Out()
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<int>> rule(const In&) { co_return Out{}; }

}  // namespace kiln::rules
