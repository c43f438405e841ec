// Declarations: what a RuleSet declares, each thing once; what it declares twice, and what is wrong
// in itself.
//
// Owns:    nothing: all points into the RuleSet.
// Threads: single-owner.
#pragma once

#include <vector>

#include "daemon/rules/compiler/diagnostic.h"
#include "daemon/rules/rule_set.h"

namespace kiln::rules {

struct Declarations {
  std::vector<const RuleDefinition*> rules;
  std::vector<const QueryDeclaration*> queries;
  std::vector<const UnionMember*> members;
  // No error follows from a clash: of two declarations of one thing the first counts, and of two
  // rules that share no more than a name both do. A set that was added twice clashes with nothing.
  std::vector<Diagnostic> clashes;
};

Declarations declarations_of(const RuleSet& set);

// "query Snapshot(PathGlobs)"
std::string to_string(const QueryDeclaration& query);

}  // namespace kiln::rules
