// expect: the parameters of a rule are engine values: a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out> rule(const NoEquality& in) { co_return Out{in.text}; }

}  // namespace kiln::rules
