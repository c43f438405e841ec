// expect: a goal rule takes its side effects by reference: Console& console
#include "tests/compile_fail/values.h"

namespace kiln::rules {

GoalRule<> goal(Console console) {
  console.print("to nobody\n");
  co_return 0;
}

}  // namespace kiln::rules
