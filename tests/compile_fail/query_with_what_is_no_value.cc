// expect: what a get or a query is given is an engine value, a kTypeName, == and fields
#include "tests/compile_fail/values.h"

namespace kiln::rules {

void add(RuleSet& set) { set.query<Out(NoEquality)>(); }

}  // namespace kiln::rules
