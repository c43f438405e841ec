// expect: a rule co_returns a value of its product's type, and a goal its exit code; or an Error
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out> rule(const In& in) { co_return in; }

}  // namespace kiln::rules
