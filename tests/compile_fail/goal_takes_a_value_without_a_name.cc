// expect: the parameters of a goal rule are side effects and engine values
#include "tests/compile_fail/values.h"

namespace kiln::rules {

GoalRule<> goal(Console&, const NoName&) { co_return 0; }

}  // namespace kiln::rules
