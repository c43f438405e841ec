#include "daemon/rules/compiler/verdict.h"

#include <algorithm>

namespace kiln::rules {

namespace {

// A chain longer than this tells nobody more.
constexpr size_t kMaxDepth = 8;
constexpr size_t kMaxAlternatives = 3;

std::string name_of(TypeId type) { return std::string(type->name); }

}  // namespace

std::string want_text(const IndexedRule& rule, const Slot& slot) {
  const RuleInfo& info = rule.info();
  if (!slot.is_get) return "the parameter " + name_of(info.arguments[slot.index]);
  std::string text = to_string(info.gets[slot.index]);
  if (slot.member != nullptr) text += " for the member " + name_of(slot.member);
  return text;
}

bool Verdicts::unprovided(TypeId type) const {
  return index_.rules_for(type).empty() && !index_.param(type);
}

std::string Verdicts::why_not(ApplicationId id, const Ask& ask) const {
  Path path;
  return solver_.at(id).alive ? unused_inputs(id, ask) : why_dead(id, path);
}

std::string Verdicts::unused_inputs(ApplicationId id, const Ask& ask) const {
  const std::vector<TypeId> unused = index_.types(ask.inputs.minus(solver_.at(id).uses));
  std::string text = unused.size() == 1 ? "does not use the input " : "does not use the inputs ";
  for (size_t i = 0; i < unused.size(); ++i) text += (i == 0 ? "" : ", ") + name_of(unused[i]);
  return text;
}

std::string Verdicts::why_dead(ApplicationId id, Path& path) const {
  const Application& application = solver_.at(id);
  const IndexedRule& rule = index_.rule(application.rule);
  path.push_back(id);
  std::string text;
  for (size_t i = 0; i < rule.slots.size(); ++i) {
    // A rule that lacks what it takes never comes to ask.
    if (i == rule.arguments && !text.empty()) break;
    const ChoiceId choice = application.choices[i];
    if (solver_.choice_at(choice).alive()) continue;
    const std::string why = why_unanswered(rule, rule.slots[i], choice, path);
    if (text.find(why) == std::string::npos) text += (text.empty() ? "" : "; ") + why;
  }
  path.pop_back();
  return text.empty() ? "its parameters need one another in a circle" : text;
}

std::string Verdicts::why_unanswered(const IndexedRule& rule, const Slot& slot, ChoiceId id,
                                     Path& path) const {
  const Choice& choice = solver_.choice_at(id);
  const Ask& ask = index_.ask(choice.ask);
  const std::string product = name_of(ask.product);
  const std::string prefix =
      slot.is_get ? "asks " + want_text(rule, slot) + ": " : "needs " + product + ": ";
  if (index_.rules_for(ask.product).empty()) {
    const bool somewhere = index_.param(ask.product).has_value();
    return (slot.is_get ? "asks " + want_text(rule, slot) : "needs " + product) + ", which " +
           (somewhere && !slot.is_get ? "is not in scope" : "no rule returns");
  }
  if (choice.candidates.empty()) return prefix + "no rule makes it of that";
  if (path.size() >= kMaxDepth) return prefix + "…";
  std::string text;
  size_t told = 0;
  for (const Candidate& candidate : choice.candidates) {
    if (told++ == kMaxAlternatives) {
      text += "; …";
      break;
    }
    const ApplicationId below = *candidate.application;
    const std::string& name = index_.rule(solver_.at(below).rule).info().name;
    text += (text.empty() ? "via " : "; or via ") + name;
    if (std::find(path.begin(), path.end(), below) != path.end()) {
      text += ", which needs it in turn";
      continue;
    }
    text += ": ";
    text += solver_.at(below).alive ? unused_inputs(below, ask) : why_dead(below, path);
  }
  return prefix + text;
}

std::optional<ParamSet> Verdicts::remedy(ApplicationId id, const Ask& ask) const {
  Path path;
  const std::optional<ParamSet> lacks = lacking(id, path);
  if (!lacks) return std::nullopt;
  const IndexedRule& rule = index_.rule(solver_.at(id).rule);
  const ParamSet& used = solver_.at(id).alive ? solver_.at(id).uses : rule.reach;
  return lacks->unite(ask.inputs.intersect(used));
}

std::optional<ParamSet> Verdicts::lacking(ApplicationId id, Path& path) const {
  const Application& application = solver_.at(id);
  if (application.alive) return ParamSet();
  const bool again = std::find(path.begin(), path.end(), id) != path.end();
  if (again || path.size() >= kMaxDepth) return std::nullopt;
  path.push_back(id);
  std::optional<ParamSet> all = ParamSet();
  for (const ChoiceId choice : application.choices) {
    if (solver_.choice_at(choice).alive()) continue;
    const std::optional<ParamSet> lacks = lacking(solver_.choice_at(choice), path);
    if (!lacks) all.reset();
    if (!all) break;
    all->add_all(*lacks);
  }
  path.pop_back();
  return all;
}

// The fewest that one of the candidates lacks, or the product itself, where it may be given.
std::optional<ParamSet> Verdicts::lacking(const Choice& choice, Path& path) const {
  const Ask& ask = index_.ask(choice.ask);
  std::optional<ParamSet> fewest;
  for (const Candidate& candidate : choice.candidates) {
    // One that is alive and dropped out all the same lacks nothing that could be given.
    if (!candidate.application || solver_.at(*candidate.application).alive) continue;
    const std::optional<ParamSet> lacks = lacking(*candidate.application, path);
    if (!lacks || !ask.inputs.intersect(*lacks).empty()) continue;
    if (!fewest || lacks->size() < fewest->size()) fewest = lacks;
  }
  if (!fewest && ask.param) fewest.emplace().add(*ask.param);
  return fewest;
}

}  // namespace kiln::rules
