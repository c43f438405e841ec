// expect: a rule returns an engine value: a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

Rule<NoFields> rule(const In& in) { co_return NoFields{in.text}; }

}  // namespace kiln::rules
