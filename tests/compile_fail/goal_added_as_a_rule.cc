// expect: register a GoalRule with goal()
#include "tests/compile_fail/values.h"

namespace kiln::rules {

GoalRule<> goal(const In&) { co_return 0; }

void add(RuleSet& set) { set.add<&goal>(); }

}  // namespace kiln::rules
