// expect: Another rule is not called but asked: co_await get<Out>(in)
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<int> length(const In& in) { co_return static_cast<int>(in.text.size()); }

Rule<Out> rule(const In& in) {
  const int n = co_await length(in);
  co_return Out{std::to_string(n)};
}

}  // namespace kiln::rules
