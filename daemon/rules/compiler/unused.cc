// Warnings of rules that nothing uses, and why not.
#include <absl/container/flat_hash_map.h>

#include "daemon/rules/compiler/diagnose.h"
#include "daemon/rules/compiler/verdict.h"

namespace kiln::rules {

std::vector<Diagnostic> unused_rules(const RuleIndex& index, const Solver& solver,
                                     const std::vector<bool>& used) {
  // One application of each, if it was ever a candidate: to say why it is not the answer.
  absl::flat_hash_map<RuleId, ApplicationId> tried;
  for (ApplicationId id = 0; id < solver.applications().size(); ++id) {
    tried.emplace(solver.at(id).rule, id);
  }
  const Verdicts verdicts(index, solver);
  std::vector<Diagnostic> warnings;
  for (RuleId id = 0; id < index.rules().size(); ++id) {
    const RuleInfo& info = index.rule(id).info();
    if (used[id] || info.kind != RuleKind::kRule) continue;
    Diagnostic warning;
    warning.kind = Diagnostic::Kind::kUnused;
    warning.wanted_by = info.name;
    warning.file = info.where.file;
    warning.line = info.where.line;
    warning.product = info.product->name;
    const auto at = tried.find(id);
    if (at != tried.end() && !solver.at(at->second).answers.empty()) {
      const Choice& choice = solver.choice_at(solver.at(at->second).answers.front().first);
      warning.candidates.push_back({info.name, info.where.file, info.where.line,
                                    verdicts.why_not(at->second, index.ask(choice.ask))});
    }
    warning.fix = "ask for " + warning.product + " by a get or a query, or remove the rule";
    warnings.push_back(std::move(warning));
  }
  return warnings;
}

}  // namespace kiln::rules
