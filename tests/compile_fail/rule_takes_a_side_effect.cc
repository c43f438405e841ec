// expect: only a goal rule may have side effects
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out> rule(Console& console, const In& in) {
  console.print(in.text);
  co_return Out{};
}

}  // namespace kiln::rules
