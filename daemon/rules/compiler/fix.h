// Fixes: the likeliest thing to do about an error.
// Threads: free functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "daemon/rules/compiler/solver.h"

namespace kiln::rules {

// "get<Snapshot>(PathGlobs)": how something that has no answer is wanted.
enum class WantedAs : uint8_t {
  kGet,
  kMember,  // by a get of a union's base, which says what the inputs are
  kParameter,
  kQuery,
};

// For a type that nothing returns and nothing gives.
std::string fix_of_unprovided(const RuleIndex& index, TypeId product);

// For an ask that none of the candidates answers. The solver has solved them.
std::string fix_of_missing(const RuleIndex& index, const Solver& solver, const Ask& ask,
                           WantedAs as, const std::vector<ApplicationId>& candidates);

}  // namespace kiln::rules
