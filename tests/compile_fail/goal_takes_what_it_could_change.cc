// expect: a goal rule takes values as const In& or as In: what it is given is shared
#include "tests/compile_fail/values.h"

namespace kiln::rules {

GoalRule<> goal(Console&, In& in) {
  in.text += "!";
  co_return 0;
}

}  // namespace kiln::rules
