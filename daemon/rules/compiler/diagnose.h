// What is wrong with a set of rules: each root cause once, and none of its consequences.
//
// Blame:   a root that cannot be answered is followed down to where something is missing.
//          - A type that nothing returns or gives: the rule that wants it.
//          - A param that is given elsewhere, but not here: the get, the query or the goal nearest
//            above, whose inputs are the place to give it.
//          - A rule that fails everywhere is broken itself: what is wrong below it is told, and not
//            that it is no answer above. A rule that works elsewhere is fine; the asker is not.
// Threads: single-owner.
#pragma once

#include <vector>

#include "daemon/rules/compiler/diagnostic.h"
#include "daemon/rules/compiler/solver.h"

namespace kiln::rules {

// Of a solver that has all roots in it and has solved. It is extended by what is worth explaining.
std::vector<Diagnostic> diagnose(const RuleIndex& index, Solver& solver);

// Warnings for the rules that are not `used`, by RuleId. Intrinsics are there to be used or not.
std::vector<Diagnostic> unused_rules(const RuleIndex& index, const Solver& solver,
                                     const std::vector<bool>& used);

}  // namespace kiln::rules
