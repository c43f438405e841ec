// What an entry wants, each want with what satisfies it: the edges of a rule graph.
// Threads: free functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

struct BoundWant {
  bool is_get = false;
  TypeId product = nullptr;
  std::vector<TypeId> inputs;  // of the get; for a case of a union, the member
  TypeId base = nullptr;       // the union's
  const Supply* supply = nullptr;
};

// Arguments, then gets with a case for each member; without side effects.
std::vector<BoundWant> wants_of(const Entry& entry);

// "get<Snapshot>(PathGlobs)", "get<LintResult>(LintRequest = Shellcheck)", "the parameter Snapshot"
std::string to_string(const BoundWant& want);
// "PathGlobs, Digest"
std::string type_names(const std::vector<TypeId>& types);
// "capture(PathGlobs)": the rule and what the entry consumes
std::string to_string(const Entry& entry);

}  // namespace kiln::rules
