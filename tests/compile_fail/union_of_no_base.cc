// expect: the base of a union has a kTypeName, kUnionBase = true, a struct Member and member<M>()
#include "tests/compile_fail/values.h"

namespace kiln::rules {

void add(RuleSet& set) { set.union_base<In>(); }

}  // namespace kiln::rules
