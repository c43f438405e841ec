// expect: this rule asks for what it does not declare: add the signature Out(In)
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<Out(int)>> rule(const In& in) {
  const auto length = co_await try_get<int>(in);
  co_return Out{length.ok() ? "some" : "none"};
}

}  // namespace kiln::rules
