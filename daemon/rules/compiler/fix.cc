#include "daemon/rules/compiler/fix.h"

#include <algorithm>
#include <optional>

#include "daemon/rules/compiler/verdict.h"
#include "daemon/rules/nearest.h"

namespace kiln::rules {

namespace {

constexpr size_t kMaxWays = 3;

std::string names(const std::vector<TypeId>& types) {
  std::string text;
  for (const TypeId type : types) text += (text.empty() ? "" : ", ") + std::string(type->name);
  return text;
}

class Fixer {
 public:
  Fixer(const RuleIndex& index, const Solver& solver)
      : index_(index), solver_(solver), verdicts_(index, solver) {}

  // "get<Snapshot>(PathGlobs) or get<Snapshot>(MergeDigests)", or nothing.
  std::string other_inputs(const Ask& ask, const char* before_inputs,
                           const std::vector<ApplicationId>& candidates) const {
    std::vector<ParamSet> ways;
    for (const ApplicationId id : candidates) {
      std::optional<ParamSet> remedy = verdicts_.remedy(id, ask);
      if (!remedy || *remedy == ask.inputs) continue;
      if (std::find(ways.begin(), ways.end(), *remedy) == ways.end()) {
        ways.push_back(*std::move(remedy));
      }
    }
    std::stable_sort(ways.begin(), ways.end(),
                     [](const ParamSet& a, const ParamSet& b) { return a.size() < b.size(); });
    if (ways.size() > kMaxWays) ways.resize(kMaxWays);
    std::string text;
    for (const ParamSet& way : ways) {
      text += (text.empty() ? "" : " or ") + std::string(before_inputs) + "(" +
              names(index_.types(way)) + ")";
    }
    return text;
  }

  // For the first candidate that could use the inputs: what it takes as a parameter and does not
  // have here, it can ask for. Or nothing.
  std::string ask_below(const Ask& ask, const std::vector<ApplicationId>& candidates) const {
    for (const ApplicationId id : candidates) {
      const Application& application = solver_.at(id);
      const IndexedRule& rule = index_.rule(application.rule);
      if (application.alive || !rule.reach.contains_all(ask.inputs)) continue;
      for (size_t i = 0; i < rule.arguments; ++i) {
        const Choice& choice = solver_.choice_at(application.choices[i]);
        if (choice.alive()) continue;
        std::vector<ApplicationId> below;
        for (const Candidate& candidate : choice.candidates) {
          below.push_back(*candidate.application);
        }
        const Ask& wanted = index_.ask(choice.ask);
        const std::string product(wanted.product->name);
        const std::string ways = other_inputs(wanted, ("get<" + product + ">").c_str(), below);
        if (ways.empty()) continue;
        return "in " + rule.info().name + ", " + ways + " instead of the parameter " + product;
      }
    }
    return "";
  }

 private:
  const RuleIndex& index_;
  const Solver& solver_;
  const Verdicts verdicts_;
};

}  // namespace

std::string fix_of_unprovided(const RuleIndex& index, TypeId product) {
  const std::string name(product->name);
  if (product->side_effect) return "only a goal rule may have " + name;
  if (product->union_base) {
    return name + " is the base of a union: take a member, or ask by a get that " + name +
           " is the only input of";
  }
  std::vector<std::string_view> known;
  for (const IndexedRule& rule : index.rules()) {
    if (rule.info().product != nullptr) known.push_back(rule.info().product->name);
  }
  for (const TypeId type : index.params()) known.push_back(type->name);
  std::string meant;
  for (const std::string_view other : nearest(name, known)) {
    meant += (meant.empty() ? "did you mean " : " or ") + std::string(other);
  }
  if (!meant.empty()) meant += "? Otherwise ";
  return meant + "register a rule that returns " + name +
         ", or give it as an input of the get or as a root";
}

std::string fix_of_missing(const RuleIndex& index, const Solver& solver, const Ask& ask,
                           WantedAs as, const std::vector<ApplicationId>& candidates) {
  const Fixer fixer(index, solver);
  const std::string product(ask.product->name);
  const std::string before = as == WantedAs::kQuery ? "query " + product : "get<" + product + ">";
  std::string fix;
  if (as != WantedAs::kMember) fix = fixer.other_inputs(ask, before.c_str(), candidates);
  if (as == WantedAs::kParameter && !fix.empty()) return fix + " instead of the parameter";
  const std::string below = fixer.ask_below(ask, candidates);
  if (!below.empty()) fix += (fix.empty() ? "" : "; or ") + below;
  if (!fix.empty()) return fix;
  fix = "register a rule that returns " + product;
  if (!ask.inputs.empty()) return fix + " and uses " + names(index.types(ask.inputs));
  if (candidates.empty()) fix += ", or give it as an input of the get or as a root";
  return fix;
}

}  // namespace kiln::rules
