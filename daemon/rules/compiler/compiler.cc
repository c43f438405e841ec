// RuleGraph::compile: declarations, numbered (RuleIndex), solved (Solver), and then either linked
// (Linker) or explained (diagnose).
#include <algorithm>

#include "daemon/rules/compiler/diagnose.h"
#include "daemon/rules/compiler/linker.h"

namespace kiln::rules {

namespace {

std::vector<std::string_view> sorted_names(std::span<const TypeId> types) {
  std::vector<std::string_view> names;
  for (const TypeId type : types) names.push_back(type->name);
  std::sort(names.begin(), names.end());
  return names;
}

// With an entry, or if there is no graph, with an application.
std::vector<bool> used_rules(const RuleIndex& index, const Solver& solver, const RuleGraph* graph) {
  std::vector<bool> used(index.rules().size(), false);
  if (graph == nullptr) {
    for (const Application& application : solver.applications()) used[application.rule] = true;
    return used;
  }
  absl::flat_hash_map<const RuleDefinition*, RuleId> ids;
  for (RuleId id = 0; id < index.rules().size(); ++id) ids[index.rule(id).definition] = id;
  for (const auto& entry : graph->entries()) used[ids[&entry->rule]] = true;
  return used;
}

}  // namespace

RuleGraph::Compiled RuleGraph::compile(RuleSet rules) {
  rules.expand_union_queries();
  auto graph = std::unique_ptr<RuleGraph>(new RuleGraph(std::move(rules)));
  Compiled compiled;
  Declarations declarations = declarations_of(graph->rules());
  const RuleIndex index(graph->rules(), declarations);
  Solver solver(index);
  for (const IndexedRoot& root : index.roots()) {
    if (root.query != nullptr) {
      solver.choice(root.ask, root.params);
    } else {
      solver.application(root.goal, root.params);
    }
  }
  solver.solve();
  compiled.errors = std::move(declarations.clashes);
  for (Diagnostic& error : diagnose(index, solver)) compiled.errors.push_back(std::move(error));
  if (compiled.errors.empty()) {
    Linker(index, solver, *graph).link();
    compiled.warnings = unused_rules(index, solver, used_rules(index, solver, graph.get()));
    compiled.graph = std::move(graph);
  } else {
    compiled.warnings = unused_rules(index, solver, used_rules(index, solver, nullptr));
  }
  return compiled;
}

const Supply* GetSupply::find(TypeId input) const {
  for (const Case& answer : cases) {
    if (answer.member == nullptr || answer.member == input) return &answer.supply;
  }
  return nullptr;
}

const Root* RuleGraph::find_goal(std::string_view name) const {
  const auto at = std::find_if(goals_.begin(), goals_.end(),
                               [&](const Root& goal) { return goal.name == name; });
  return at == goals_.end() ? nullptr : &*at;
}

const Root* RuleGraph::find_query(std::string_view product,
                                  std::span<const std::string> inputs) const {
  std::vector<std::string_view> wanted(inputs.begin(), inputs.end());
  std::sort(wanted.begin(), wanted.end());
  for (const Root& root : queries_) {
    const GetDeclaration& get = root.query->get;
    if (get.product->name == product && sorted_names(get.inputs) == wanted) return &root;
  }
  return nullptr;
}

}  // namespace kiln::rules
