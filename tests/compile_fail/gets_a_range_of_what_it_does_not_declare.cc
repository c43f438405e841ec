// expect: this rule asks for what it does not declare: add the signature Out(In)
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<Out, Gets<Out(int)>> rule(const In& in) {
  const std::vector<Get<int, In>> lengths(3, get<int>(in));
  co_return Out{std::to_string((co_await all(lengths)).size())};
}

}  // namespace kiln::rules
