// expect: what a get or a query is given is an engine value, a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

GoalRule<Gets<Out(Console)>> goal(Console&) { co_return 0; }

}  // namespace kiln::rules
