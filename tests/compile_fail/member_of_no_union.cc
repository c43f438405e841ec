// expect: member<Base, Member>(): the base of a union has a kTypeName, kUnionBase = true
#include "tests/compile_fail/values.h"

namespace kiln::rules {

void add(RuleSet& set) { set.member<In, Out>(); }

}  // namespace kiln::rules
