// expect: ignoring return value of function declared with 'nodiscard' attribute: co_await it
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<int(In)>> rule(const In& in) {
  get<int>(in);
  co_return Out{};
}

}  // namespace kiln::rules
