// expect: what every request begins with is an engine value: a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

void add(RuleSet& set) { set.root<NoEquality>(); }

}  // namespace kiln::rules
