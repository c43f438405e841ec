// expect: what a get or a query is given is an engine value, a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<int(NoFields)>> rule(const In& in) {
  const auto& length = co_await get<int>(NoFields{in.text});
  co_return Out{std::to_string(length)};
}

}  // namespace kiln::rules
