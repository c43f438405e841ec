// expect: what a get is given is an engine value: a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<int(std::string)>> rule(const In&) {
  co_return Out{std::to_string(co_await get<int>("a literal"))};
}

}  // namespace kiln::rules
