// Solver: which rules can answer what, in which scopes.
//
// What:    an Application is a rule in a scope; a Choice is an ask in a scope, with the candidates
//          that could answer it: a param, or else applications. An application is alive if all its
//          choices are; a choice is, if one of its candidates is. solve() finds the largest set of
//          living things that agrees with the contract of rule_graph.h, and with this:
//          - a rule may ask for itself, by a get (Fibonacci does), but not by its arguments, which
//            it has before it begins;
//          - a get's answer consumes all that it was given: what it consumes is the least that
//            follows from its own params, so no two gets vouch for each other in a circle.
//          It is largest: nothing dies but for a reason that does not depend on the order of
//          looking.
// Owns:    its applications and choices. The index outlives it.
// Threads: single-owner.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <vector>

#include "daemon/rules/compiler/rule_index.h"

namespace kiln::rules {

using ApplicationId = uint32_t;
using ChoiceId = uint32_t;

struct Candidate {
  std::optional<ApplicationId> application;  // none: the param
  bool alive = true;
};

struct Choice {
  AskId ask = 0;
  ParamSet scope;  // with the inputs, cut down to what the ask reaches
  std::vector<Candidate> candidates;
  std::vector<ApplicationId> askers;
  size_t living = 0;  // of the candidates
  ParamSet uses;      // consumed by the living candidates, inputs included

  bool alive() const { return living > 0; }
};

struct Application {
  RuleId rule = 0;
  ParamSet scope;                 // cut down to what the rule reaches
  std::vector<ChoiceId> choices;  // parallel to the rule's slots
  // Where it is a candidate: the choice, and its place among the candidates.
  std::vector<std::pair<ChoiceId, size_t>> answers;
  bool alive = true;
  ParamSet uses;
};

class Solver {
 public:
  explicit Solver(const RuleIndex& index) : index_(index) {}

  // Enter into the graph, with all that hangs below. `scope` is before it is cut down, and for a
  // choice before the inputs join it.
  ApplicationId application(RuleId rule, const ParamSet& scope);
  ChoiceId choice(AskId ask, const ParamSet& scope);
  // Decides what is alive. What is entered later counts from the next call on; it changes nothing
  // for what was there before.
  void solve();

  const std::vector<Application>& applications() const { return applications_; }
  const std::vector<Choice>& choices() const { return choices_; }
  const Application& at(ApplicationId id) const { return applications_[id]; }
  const Choice& choice_at(ChoiceId id) const { return choices_[id]; }
  bool is_param(const Choice& choice) const;  // the param is the answer

 private:
  ApplicationId intern_application(RuleId rule, const ParamSet& scope);
  ChoiceId intern_choice(AskId ask, const ParamSet& scope);
  void expand();
  void expand_application(ApplicationId id);
  void expand_choice(ChoiceId id);

  void kill(ApplicationId id);
  void kill_candidate(ChoiceId choice, size_t candidate);
  void bury();
  bool kill_unfounded();
  void find_uses();
  bool kill_idle();

  const RuleIndex& index_;
  std::vector<Application> applications_;
  std::vector<Choice> choices_;
  absl::flat_hash_map<std::pair<RuleId, ParamSet>, ApplicationId> application_ids_;
  absl::flat_hash_map<std::pair<AskId, ParamSet>, ChoiceId> choice_ids_;
  // Entered, not expanded yet: all from these on.
  size_t next_application_ = 0;
  size_t next_choice_ = 0;
  // Dead; those who counted on them are not told yet.
  std::vector<ApplicationId> dying_;
  std::vector<ChoiceId> dying_choices_;
};

}  // namespace kiln::rules
