// expect: a rule may await get, try_get and all; nothing else
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Task<Result<int>> work();

Rule<Out> rule(const In&) {
  (void)co_await work();
  co_return Out{};
}

}  // namespace kiln::rules
