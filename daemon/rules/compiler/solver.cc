#include "daemon/rules/compiler/solver.h"

namespace kiln::rules {

ApplicationId Solver::application(RuleId rule, const ParamSet& scope) {
  const ApplicationId id = intern_application(rule, scope);
  expand();
  return id;
}

ChoiceId Solver::choice(AskId ask, const ParamSet& scope) {
  const ChoiceId id = intern_choice(ask, scope);
  expand();
  return id;
}

ApplicationId Solver::intern_application(RuleId rule, const ParamSet& scope) {
  ParamSet reached = scope.intersect(index_.rule(rule).reach);
  const auto [at, is_new] = application_ids_.emplace(
      std::pair(rule, reached), static_cast<ApplicationId>(applications_.size()));
  if (is_new) {
    Application& application = applications_.emplace_back();
    application.rule = rule;
    application.scope = std::move(reached);
  }
  return at->second;
}

ChoiceId Solver::intern_choice(AskId ask_id, const ParamSet& scope) {
  const Ask& ask = index_.ask(ask_id);
  ParamSet reached = scope.unite(ask.inputs).intersect(ask.reach);
  const auto [at, is_new] =
      choice_ids_.emplace(std::pair(ask_id, reached), static_cast<ChoiceId>(choices_.size()));
  if (is_new) {
    Choice& choice = choices_.emplace_back();
    choice.ask = ask_id;
    choice.scope = std::move(reached);
  }
  return at->second;
}

void Solver::expand() {
  while (next_application_ < applications_.size() || next_choice_ < choices_.size()) {
    if (next_application_ < applications_.size()) {
      expand_application(static_cast<ApplicationId>(next_application_++));
    } else {
      expand_choice(static_cast<ChoiceId>(next_choice_++));
    }
  }
}

void Solver::expand_application(ApplicationId id) {
  const std::vector<Slot>& slots = index_.rule(applications_[id].rule).slots;
  std::vector<ChoiceId> choices;
  choices.reserve(slots.size());
  for (const Slot& slot : slots) {
    const ChoiceId choice = intern_choice(slot.ask, applications_[id].scope);
    choices.push_back(choice);
    // Once, though several slots may ask the same.
    std::vector<ApplicationId>& askers = choices_[choice].askers;
    if (askers.empty() || askers.back() != id) askers.push_back(id);
  }
  applications_[id].choices = std::move(choices);
}

void Solver::expand_choice(ChoiceId id) {
  const Ask& ask = index_.ask(choices_[id].ask);
  if (is_param(choices_[id])) {
    choices_[id].candidates.push_back({std::nullopt});
    return;
  }
  const ParamSet scope = choices_[id].scope;
  for (const RuleId rule : ask.answers) {
    const ApplicationId application = intern_application(rule, scope);
    applications_[application].answers.emplace_back(id, choices_[id].candidates.size());
    choices_[id].candidates.push_back({application});
  }
}

bool Solver::is_param(const Choice& choice) const {
  const std::optional<ParamId>& param = index_.ask(choice.ask).param;
  return param && choice.scope.contains(*param);
}

void Solver::solve() {
  for (Choice& choice : choices_) {
    for (Candidate& candidate : choice.candidates) candidate.alive = true;
    choice.living = choice.candidates.size();
  }
  for (Application& application : applications_) application.alive = true;

  for (ChoiceId id = 0; id < choices_.size(); ++id) {
    if (!choices_[id].alive()) dying_choices_.push_back(id);
  }
  bool stable = false;
  while (!stable) {
    bury();
    if (kill_unfounded()) continue;
    find_uses();
    stable = !kill_idle();
  }
}

void Solver::kill(ApplicationId id) {
  if (!applications_[id].alive) return;
  applications_[id].alive = false;
  dying_.push_back(id);
}

void Solver::kill_candidate(ChoiceId id, size_t place) {
  Choice& choice = choices_[id];
  if (!choice.candidates[place].alive) return;
  choice.candidates[place].alive = false;
  if (--choice.living == 0) dying_choices_.push_back(id);
}

// The dead take with them what cannot be without them.
void Solver::bury() {
  while (!dying_.empty() || !dying_choices_.empty()) {
    if (!dying_.empty()) {
      const ApplicationId id = dying_.back();
      dying_.pop_back();
      for (const auto& [choice, place] : applications_[id].answers) kill_candidate(choice, place);
    } else {
      const ChoiceId id = dying_choices_.back();
      dying_choices_.pop_back();
      for (const ApplicationId asker : choices_[id].askers) kill(asker);
    }
  }
}

// Those whose arguments wait for one another in a circle.
bool Solver::kill_unfounded() {
  std::vector<size_t> waits(applications_.size(), 0);
  std::vector<bool> founded_choices(choices_.size(), false);
  std::vector<bool> founded(applications_.size(), false);
  std::vector<ApplicationId> pending;
  for (ApplicationId id = 0; id < applications_.size(); ++id) {
    const Application& application = applications_[id];
    for (size_t i = 0; i < index_.rule(application.rule).arguments; ++i) {
      if (!is_param(choices_[application.choices[i]])) ++waits[id];
    }
    if (application.alive && waits[id] == 0) pending.push_back(id);
  }
  const auto tell = [&](ApplicationId asker, ChoiceId choice) {
    const Application& application = applications_[asker];
    for (size_t i = 0; i < index_.rule(application.rule).arguments; ++i) {
      const bool was_last = application.choices[i] == choice && --waits[asker] == 0;
      if (was_last && application.alive) pending.push_back(asker);
    }
  };
  while (!pending.empty()) {
    const ApplicationId id = pending.back();
    pending.pop_back();
    founded[id] = true;
    for (const auto& [choice, place] : applications_[id].answers) {
      if (!choices_[choice].candidates[place].alive || founded_choices[choice]) continue;
      founded_choices[choice] = true;
      for (const ApplicationId asker : choices_[choice].askers) tell(asker, choice);
    }
  }
  for (ApplicationId id = 0; id < applications_.size(); ++id) {
    if (!founded[id]) kill(id);
  }
  return !dying_.empty();
}

void Solver::find_uses() {
  std::vector<ChoiceId> pending;
  for (Application& application : applications_) application.uses = ParamSet();
  for (ChoiceId id = 0; id < choices_.size(); ++id) {
    choices_[id].uses = ParamSet();
    if (!is_param(choices_[id])) continue;
    choices_[id].uses.add(*index_.ask(choices_[id].ask).param);
    pending.push_back(id);
  }
  // What a candidate consumes, the choice does, once the candidate consumes all that it is given.
  const auto answer = [&](ApplicationId application) {
    for (const auto& [id, place] : applications_[application].answers) {
      Choice& choice = choices_[id];
      if (!choice.candidates[place].alive) continue;
      const ParamSet& uses = applications_[application].uses;
      if (!uses.contains_all(index_.ask(choice.ask).inputs)) continue;
      if (choice.uses.add_all(uses)) pending.push_back(id);
    }
  };
  while (!pending.empty()) {
    const Choice& choice = choices_[pending.back()];
    pending.pop_back();
    const ParamSet uses = choice.uses.minus(index_.ask(choice.ask).inputs);
    for (const ApplicationId asker : choice.askers) {
      if (applications_[asker].alive && applications_[asker].uses.add_all(uses)) answer(asker);
    }
  }
}

// Those that ignore an input of the get.
bool Solver::kill_idle() {
  for (ChoiceId id = 0; id < choices_.size(); ++id) {
    const ParamSet& inputs = index_.ask(choices_[id].ask).inputs;
    if (inputs.empty()) continue;
    for (size_t i = 0; i < choices_[id].candidates.size(); ++i) {
      const Candidate& candidate = choices_[id].candidates[i];
      if (!candidate.alive || !candidate.application) continue;
      if (!applications_[*candidate.application].uses.contains_all(inputs)) kill_candidate(id, i);
    }
  }
  return !dying_choices_.empty();
}

}  // namespace kiln::rules
