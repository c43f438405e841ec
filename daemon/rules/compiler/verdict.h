// Verdicts: why a rule is not the answer, and what would make it one.
// Threads: single-owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/rules/compiler/solver.h"

namespace kiln::rules {

// "get<LintResult>(LintRequest) for the member ShellcheckRequest", or "the parameter Snapshot"
std::string want_text(const IndexedRule& rule, const Slot& slot);

class Verdicts {
 public:
  // Of a solver that has solved.
  Verdicts(const RuleIndex& index, const Solver& solver) : index_(index), solver_(solver) {}

  // Why `application` is no answer to `ask`: "needs PathGlobs, which is not in scope".
  std::string why_not(ApplicationId application, const Ask& ask) const;
  // The inputs with which it would be: those of the ask that it can use, and what it lacks. None:
  // no inputs help.
  std::optional<ParamSet> remedy(ApplicationId application, const Ask& ask) const;
  // Not as a product of some rule, and not as a param: nowhere.
  bool unprovided(TypeId type) const;

 private:
  using Path = std::vector<ApplicationId>;
  std::string why_dead(ApplicationId application, Path& path) const;
  std::string why_unanswered(const IndexedRule& rule, const Slot& slot, ChoiceId choice,
                             Path& path) const;
  std::string unused_inputs(ApplicationId application, const Ask& ask) const;
  std::optional<ParamSet> lacking(ApplicationId application, Path& path) const;
  std::optional<ParamSet> lacking(const Choice& choice, Path& path) const;

  const RuleIndex& index_;
  const Solver& solver_;
};

}  // namespace kiln::rules
