#include "daemon/rules/compiler/diagnose.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "daemon/rules/compiler/fix.h"
#include "daemon/rules/compiler/verdict.h"

namespace kiln::rules {

namespace {

using Kind = Diagnostic::Kind;

// Somebody who wants something: a slot of a rule, or a query.
struct Wanter {
  const IndexedRule* rule = nullptr;
  const Slot* slot = nullptr;
  const QueryDeclaration* query = nullptr;
};

std::string name_of(const Wanter& wanter) {
  if (wanter.query != nullptr) return to_string(*wanter.query);
  const RuleInfo& info = wanter.rule->info();
  return (info.kind == RuleKind::kGoal ? "goal " : "") + info.name;
}

const Location& location_of(const Wanter& wanter) {
  return wanter.query != nullptr ? wanter.query->where : wanter.rule->info().where;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

class Diagnoser {
 public:
  Diagnoser(const RuleIndex& index, Solver& solver) : index_(index), solver_(solver) {}

  std::vector<Diagnostic> diagnose() {
    for (const Application& application : solver_.applications()) {
      if (application.alive) works_somewhere_.insert(application.rule);
    }
    for (const IndexedRoot& root : index_.roots()) blame_root(root);
    find_ambiguities();
    explain_missing();
    return std::move(errors_);
  }

 private:
  // Where the cause of a failure lies.
  enum class Cause : uint8_t {
    kHere,    // the scope lacks something: for the nearest get or root above to say
    kBelow,   // said already
    kCircle,  // back at a rule that is being looked at: it will be said there
  };
  struct Blame {
    Cause cause = Cause::kHere;
    size_t depth = 0;  // kCircle: of the rule that it leads back to
  };
  struct Missing {
    Wanter wanter;
    std::vector<Wanter> also;
    ChoiceId choice = 0;
    ParamSet scope;
  };

  void blame_root(const IndexedRoot& root) {
    if (root.query == nullptr) {
      const ApplicationId id = solver_.application(root.goal, root.params);
      reach(id, root.params);
      if (solver_.at(id).alive) return;
      blame_rule(id, root.params, true);
      return;
    }
    const ChoiceId id = solver_.choice(root.ask, root.params);
    const Wanter wanter{.query = root.query};
    reach_choice(wanter, id, root.params);
    if (!solver_.choice_at(id).alive()) blame_boundary(wanter, id, root.params);
  }

  // A rule that is alive nowhere. A root says itself what its own parameters lack.
  Blame blame_rule(ApplicationId id, const ParamSet& scope, bool root) {
    const auto known = blamed_.find(id);
    if (known != blamed_.end()) return known->second;
    const size_t depth = blamed_depth_++;
    blamed_[id] = {Cause::kCircle, depth};
    reach(id, scope);
    const Application application = solver_.at(id);
    const IndexedRule& rule = index_.rule(application.rule);
    Blame worst{Cause::kCircle, depth};
    bool here = false;
    for (size_t i = 0; i < rule.slots.size(); ++i) {
      const ChoiceId choice = application.choices[i];
      if (solver_.choice_at(choice).alive()) continue;
      const Wanter wanter{&rule, &rule.slots[i]};
      const ParamSet there = scope.unite(index_.ask(rule.slots[i].ask).inputs);
      const Blame blame = root || rule.slots[i].is_get ? blame_boundary(wanter, choice, there)
                                                       : blame_choice(wanter, choice, there);
      here |= blame.cause == Cause::kHere;
      if (blame.cause == Cause::kBelow) worst.cause = Cause::kBelow;
      if (blame.cause == Cause::kCircle) worst.depth = std::min(worst.depth, blame.depth);
    }
    // A circle that begins with this rule and has no other cause is the cause.
    const bool circle = worst.cause == Cause::kCircle && worst.depth >= depth;
    if (here || circle) worst.cause = Cause::kHere;
    --blamed_depth_;
    return blamed_[id] = worst;
  }

  Blame blame_choice(const Wanter& wanter, ChoiceId id, const ParamSet& scope) {
    const Choice choice = solver_.choice_at(id);
    const TypeId product = index_.ask(choice.ask).product;
    if (index_.rules_for(product).empty() && !index_.param(product)) {
      say_unprovided(wanter, product, scope);
      return {Cause::kBelow};
    }
    Blame best{Cause::kCircle, blamed_depth_};
    bool here = choice.candidates.empty();
    bool below = false;
    for (const Candidate& candidate : choice.candidates) {
      const RuleId rule = solver_.at(*candidate.application).rule;
      Blame blame{Cause::kHere};
      if (!works_somewhere_.contains(rule)) {
        blame = blame_rule(*candidate.application, scope, false);
      }
      here |= blame.cause == Cause::kHere;
      below |= blame.cause == Cause::kBelow;
      if (blame.cause == Cause::kCircle) best.depth = std::min(best.depth, blame.depth);
    }
    if (here) best.cause = Cause::kHere;
    if (below) best.cause = Cause::kBelow;
    return best;
  }

  Blame blame_boundary(const Wanter& wanter, ChoiceId id, const ParamSet& scope) {
    const Blame blame = blame_choice(wanter, id, scope);
    if (blame.cause != Cause::kHere) return blame;
    // A rule lacks something once, in however many scopes.
    const void* asker = wanter.query != nullptr ? static_cast<const void*>(wanter.query)
                                                : static_cast<const void*>(wanter.rule);
    if (!said_.emplace(asker, solver_.choice_at(id).ask).second) return {Cause::kBelow};
    const auto [at, is_new] = missing_by_choice_.emplace(id, missing_.size());
    if (is_new) {
      missing_.push_back({wanter, {}, id, scope});
    } else {
      add_also(missing_[at->second].wanter, missing_[at->second].also, wanter);
    }
    return {Cause::kBelow};
  }

  static void add_also(const Wanter& first, std::vector<Wanter>& also, const Wanter& wanter) {
    const auto same = [&](const Wanter& other) {
      return other.rule == wanter.rule && other.query == wanter.query;
    };
    if (!same(first) && std::none_of(also.begin(), also.end(), same)) also.push_back(wanter);
  }

  // --- what is ambiguous ---

  void reach(ApplicationId id, const ParamSet& scope) {
    if (seen_.insert(id).second) reached_.emplace_back(id, scope);
  }

  void find_ambiguities() {
    for (size_t next = 0; next < reached_.size(); ++next) {
      const auto [id, scope] = reached_[next];
      const Application& application = solver_.at(id);
      const IndexedRule& rule = index_.rule(application.rule);
      for (size_t i = 0; i < rule.slots.size(); ++i) {
        reach_choice({&rule, &rule.slots[i]}, application.choices[i],
                     scope.unite(index_.ask(rule.slots[i].ask).inputs));
      }
    }
  }

  void reach_choice(const Wanter& wanter, ChoiceId id, const ParamSet& scope) {
    const Choice& choice = solver_.choice_at(id);
    if (choice.living > 1) say_ambiguous(wanter, choice, scope);
    for (const Candidate& candidate : choice.candidates) {
      if (candidate.alive && candidate.application) reach(*candidate.application, scope);
    }
  }

  void say_ambiguous(const Wanter& wanter, const Choice& choice, const ParamSet& scope) {
    const Ask& ask = index_.ask(choice.ask);
    std::vector<RuleId> rules;
    for (const Candidate& candidate : choice.candidates) {
      if (candidate.alive) rules.push_back(solver_.at(*candidate.application).rule);
    }
    // One pair of rules is one cause, whoever asks.
    const auto [at, is_new] = ambiguous_.emplace(std::pair(ask.product, rules), errors_.size());
    if (!is_new) {
      say_also(errors_[at->second], wanter);
      return;
    }
    Diagnostic error = begin(Kind::kAmbiguous, wanter, ask.product, scope);
    std::vector<std::string> names;
    for (const Candidate& candidate : choice.candidates) {
      if (!candidate.alive) continue;
      const Application& application = solver_.at(*candidate.application);
      const RuleInfo& info = index_.rule(application.rule).info();
      std::vector<std::string> uses;
      for (const TypeId type : index_.types(application.uses)) uses.emplace_back(type->name);
      const std::string from = uses.empty() ? "nothing" : joined(uses, ", ");
      error.candidates.push_back({info.name, info.where.file, info.where.line, "from " + from});
      names.push_back(info.name);
    }
    error.fix =
        "remove one of " + joined(names, " and ") + ", or let one of them return a type of its own";
    errors_.push_back(std::move(error));
  }

  // --- what is missing ---

  void say_unprovided(const Wanter& wanter, TypeId product, const ParamSet& scope) {
    const auto [at, is_new] = unprovided_.emplace(product, errors_.size());
    if (!is_new) {
      say_also(errors_[at->second], wanter);
      return;
    }
    Diagnostic error = begin(Kind::kUnprovided, wanter, product, scope);
    error.fix = fix_of_unprovided(index_, product);
    errors_.push_back(std::move(error));
  }

  // Rules that never could be the answer are entered into the solver, to say what they need.
  void explain_missing() {
    if (missing_.empty()) return;
    std::vector<std::vector<ApplicationId>> candidates(missing_.size());
    for (size_t i = 0; i < missing_.size(); ++i) {
      const Ask& ask = index_.ask(solver_.choice_at(missing_[i].choice).ask);
      for (const RuleId rule : index_.rules_for(ask.product)) {
        candidates[i].push_back(solver_.application(rule, missing_[i].scope));
      }
      // Those that could use the inputs first.
      std::stable_partition(
          candidates[i].begin(), candidates[i].end(), [&](ApplicationId application) {
            return index_.rule(solver_.at(application).rule).reach.contains_all(ask.inputs);
          });
    }
    solver_.solve();
    for (size_t i = 0; i < missing_.size(); ++i) say_missing(missing_[i], candidates[i]);
  }

  void say_missing(const Missing& missing, const std::vector<ApplicationId>& candidates) {
    const Ask& ask = index_.ask(solver_.choice_at(missing.choice).ask);
    const Verdicts verdicts(index_, solver_);
    Diagnostic error = begin(Kind::kMissing, missing.wanter, ask.product, missing.scope);
    for (const Wanter& other : missing.also) say_also(error, other);
    for (const ApplicationId id : candidates) {
      const RuleInfo& info = index_.rule(solver_.at(id).rule).info();
      error.candidates.push_back(
          {info.name, info.where.file, info.where.line, verdicts.why_not(id, ask)});
    }
    WantedAs as = WantedAs::kGet;
    if (missing.wanter.query != nullptr) as = WantedAs::kQuery;
    if (const Slot* slot = missing.wanter.slot; slot != nullptr) {
      if (!slot->is_get) as = WantedAs::kParameter;
      if (slot->member != nullptr) as = WantedAs::kMember;
    }
    error.fix = fix_of_missing(index_, solver_, ask, as, candidates);
    errors_.push_back(std::move(error));
  }

  Diagnostic begin(Kind kind, const Wanter& wanter, TypeId product, const ParamSet& scope) const {
    Diagnostic error;
    error.kind = kind;
    error.wanted_by = name_of(wanter);
    error.file = location_of(wanter).file;
    error.line = location_of(wanter).line;
    if (wanter.slot != nullptr) error.want = want_text(*wanter.rule, *wanter.slot);
    error.product = product->name;
    for (const TypeId type : index_.types(scope)) error.scope.emplace_back(type->name);
    return error;
  }

  static void say_also(Diagnostic& error, const Wanter& wanter) {
    const std::string who = name_of(wanter) + " (" + to_string(location_of(wanter)) + ")";
    std::vector<std::string>& also = error.also_wanted_by;
    if (name_of(wanter) == error.wanted_by) return;
    if (std::find(also.begin(), also.end(), who) == also.end()) also.push_back(who);
  }

  const RuleIndex& index_;
  Solver& solver_;
  std::set<RuleId> works_somewhere_;
  std::map<ApplicationId, Blame> blamed_;
  size_t blamed_depth_ = 0;
  // From the roots, by what is alive or was blamed, with the scope before it is cut down.
  std::vector<std::pair<ApplicationId, ParamSet>> reached_;
  absl::flat_hash_set<ApplicationId> seen_;  // those in reached_
  std::vector<Missing> missing_;
  std::map<ChoiceId, size_t> missing_by_choice_;
  std::set<std::pair<const void*, AskId>> said_;  // who misses what, in missing_
  // Where in errors_ a cause was said.
  std::map<TypeId, size_t> unprovided_;
  std::map<std::pair<TypeId, std::vector<RuleId>>, size_t> ambiguous_;
  std::vector<Diagnostic> errors_;
};

}  // namespace

std::vector<Diagnostic> diagnose(const RuleIndex& index, Solver& solver) {
  return Diagnoser(index, solver).diagnose();
}

}  // namespace kiln::rules
