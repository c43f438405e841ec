// Declarations: what a RuleSet declares, each thing once; and what it declares twice.
// Owns:    nothing: all points into the RuleSet.
// Threads: single-owner.
#pragma once

#include <vector>

#include "daemon/rules/diagnostic.h"
#include "daemon/rules/rule_set.h"

namespace kiln::rules {

struct Declarations {
  std::vector<const RuleDefinition*> rules;
  std::vector<const QueryDeclaration*> queries;
  std::vector<const UnionMember*> members;
  // Of two declarations that clash the first counts, so that no error follows from the clash. A set
  // that was added twice clashes with nothing.
  std::vector<Diagnostic> duplicates;
};

Declarations declarations_of(const RuleSet& set);

// "query Snapshot(PathGlobs)"
std::string to_string(const QueryDeclaration& query);

}  // namespace kiln::rules
