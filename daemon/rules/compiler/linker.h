// Linker: the entries of a rule graph, from what the solver found alive.
//
// What:    applications of a rule that consume the same params are one entry: what a scope holds
//          beyond that cannot have changed how anything below is answered, or it would have been
//          consumed, or there would be two answers.
// Threads: single-owner.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <utility>
#include <vector>

#include "daemon/rules/compiler/solver.h"
#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

class Linker {
 public:
  // Of a solver in which every root has exactly one answer.
  Linker(const RuleIndex& index, Solver& solver, RuleGraph& graph)
      : index_(index), solver_(solver), graph_(graph) {}

  // Fills the graph: the entries that the roots reach, and the roots.
  void link();

 private:
  // What a supply's params are looked for in.
  struct Given {
    const std::vector<TypeId>* inputs = nullptr;
    const std::vector<TypeId>* own = nullptr;
  };

  void link_root(const IndexedRoot& root);
  const Entry* entry(ApplicationId id);
  void bind(Entry& entry, const Application& application);
  Supply supply(const Choice& choice, const Given& given);
  static Supply::From from(TypeId type, const Given& given);

  const RuleIndex& index_;
  Solver& solver_;
  RuleGraph& graph_;
  absl::flat_hash_map<std::pair<RuleId, ParamSet>, Entry*> entries_;
  std::vector<std::pair<Entry*, ApplicationId>> unbound_;
};

}  // namespace kiln::rules
