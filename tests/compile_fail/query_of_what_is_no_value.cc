// expect: what is asked for is an engine value: a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

void add(RuleSet& set) { set.query<NoEquality(In)>(); }

}  // namespace kiln::rules
