// expect: a rule takes its parameters as const In& or as In: what it is given is shared
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out> rule(In& in) {
  in.text += "!";
  co_return Out{in.text};
}

}  // namespace kiln::rules
