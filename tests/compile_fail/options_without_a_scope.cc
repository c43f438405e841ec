// expect: options are an engine value, a kTypeName, == and fields, with a kScope and a default for
// each field
#include "tests/compile_fail/values.h"

namespace kiln::rules {

void add(RuleSet& set) { set.options<In>(); }

}  // namespace kiln::rules
