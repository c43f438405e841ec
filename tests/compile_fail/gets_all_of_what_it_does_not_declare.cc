// expect: this rule asks for what it does not declare: add the signature Out(In)
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<Out(int)>> rule(const In& in) {
  const auto& [out, length] = co_await all(get<Out>(1), get<int>(in));
  co_return Out{out.text + std::to_string(length)};
}

}  // namespace kiln::rules
