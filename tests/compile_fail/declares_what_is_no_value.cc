// expect: what is asked for is an engine value: a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<NoFields(In)>> rule(const In&) { co_return Out{}; }

}  // namespace kiln::rules
