// The compiler of rule graphs against an oracle that knows no shortcuts: every rule in every scope
// that there could be, and the contract of rule_graph.h swept over all of them until nothing
// changes.
// tests/support/fuzz_seeds.h says how to ask for more rounds, and for one again.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "daemon/rules/rule_graph.h"
#include "tests/support/fuzz_seeds.h"
#include "tests/support/toy_rules.h"

namespace kiln::rules {
namespace {

using Scope = uint32_t;  // bits: types by their number

// One thing that somebody wants, in numbers.
struct OracleWant {
  int product = 0;
  Scope inputs = 0;
  bool argument = false;
};
struct OracleRule {
  const RuleInfo* info = nullptr;
  int product = -1;
  std::vector<OracleWant> wants;
};

class Oracle {
 public:
  Oracle(const RuleSet& set, const std::vector<TypeId>& types, TypeId base) : types_(types) {
    for (const auto& rule : set.rules()) add(set, rule->info);
    for (const TypeId root : set.roots()) roots_ |= bit(root);
    solve();
    for (size_t rule = 0; rule < rules_.size(); ++rule) {
      if (rules_[rule].info->kind != RuleKind::kGoal) continue;
      if (!state(rule, roots_).alive) accepts_ = false;
      reach(rule, roots_);
    }
    for (const QueryDeclaration& query : set.queries()) {
      if (query.get.inputs == std::vector{base}) {
        for (const UnionMember& member : set.members()) ask(query.get.product, bit(member.member));
        continue;
      }
      Scope given = 0;
      for (const TypeId input : query.get.inputs) given |= bit(input);
      ask(query.get.product, given);
    }
  }

  bool accepts() const { return accepts_; }
  // "rule(T1, T2) <- a(T1) T2": what a reached rule consumes, and what answers each of its wants.
  const std::set<std::string>& entries() const { return entries_; }

 private:
  struct State {
    bool alive = true;
    Scope used = 0;
  };

  int number(TypeId type) const {
    for (size_t i = 0; i < types_.size(); ++i) {
      if (types_[i] == type) return static_cast<int>(i);
    }
    return -1;
  }
  Scope bit(TypeId type) const { return Scope{1} << number(type); }

  void add(const RuleSet& set, const RuleInfo& info) {
    OracleRule rule{&info, info.product == nullptr ? -1 : number(info.product), {}};
    for (const TypeId type : info.arguments) rule.wants.push_back({number(type), 0, true});
    for (const GetDeclaration& get : info.gets) {
      if (get.inputs.size() == 1 && get.inputs[0]->union_base) {
        for (const UnionMember& member : set.members()) {
          if (member.base != get.inputs[0]) continue;
          rule.wants.push_back({number(get.product), bit(member.member), false});
        }
        continue;
      }
      Scope inputs = 0;
      for (const TypeId input : get.inputs) inputs |= bit(input);
      rule.wants.push_back({number(get.product), inputs, false});
    }
    rules_.push_back(std::move(rule));
  }

  State& state(size_t rule, Scope scope) { return states_[rule * scopes() + scope]; }
  size_t scopes() const { return size_t{1} << types_.size(); }

  // The param, or the rules, that answer; -1 is the param.
  std::vector<int> answers(const OracleWant& want, Scope scope) {
    const Scope in = scope | want.inputs;
    const Scope product = Scope{1} << want.product;
    if ((in & product) != 0 && (want.inputs & ~product) == 0) return {-1};
    std::vector<int> found;
    for (size_t i = 0; i < rules_.size(); ++i) {
      const State& there = state(i, in);
      const bool fits = rules_[i].product == want.product && there.alive;
      if (fits && (want.inputs & ~there.used) == 0) found.push_back(static_cast<int>(i));
    }
    return found;
  }
  Scope used(int answer, const OracleWant& want, Scope scope) {
    return answer < 0 ? Scope{1} << want.product
                      : state(static_cast<size_t>(answer), scope | want.inputs).used;
  }

  void solve() {
    states_.assign(rules_.size() * scopes(), {});
    for (bool changed = true; changed;) {
      find_used();
      changed = false;
      const std::vector<bool> founded = find_founded();
      for (size_t rule = 0; rule < rules_.size(); ++rule) {
        for (Scope scope = 0; scope < scopes(); ++scope) {
          State& here = state(rule, scope);
          bool lives = founded[rule * scopes() + scope];
          for (const OracleWant& want : rules_[rule].wants) {
            lives &= !answers(want, scope).empty();
          }
          changed |= here.alive && !lives;
          here.alive &= lives;
        }
      }
    }
  }
  void find_used() {
    for (State& state : states_) state.used = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t rule = 0; rule < rules_.size(); ++rule) {
        for (Scope scope = 0; scope < scopes(); ++scope) {
          State& here = state(rule, scope);
          if (!here.alive) continue;
          Scope all = here.used;
          for (const OracleWant& want : rules_[rule].wants) {
            for (const int answer : answers(want, scope)) {
              all |= used(answer, want, scope) & ~want.inputs;
            }
          }
          changed |= all != here.used;
          here.used = all;
        }
      }
    }
  }
  // Those whose arguments can be made before they begin.
  std::vector<bool> find_founded() {
    std::vector<bool> founded(states_.size(), false);
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t rule = 0; rule < rules_.size(); ++rule) {
        for (Scope scope = 0; scope < scopes(); ++scope) {
          bool all = state(rule, scope).alive && !founded[rule * scopes() + scope];
          for (const OracleWant& want : rules_[rule].wants) {
            if (!want.argument) continue;
            bool any = false;
            for (const int answer : answers(want, scope)) {
              any |= answer < 0 || founded[static_cast<size_t>(answer) * scopes() + scope];
            }
            all &= any;
          }
          if (!all) continue;
          founded[rule * scopes() + scope] = true;
          changed = true;
        }
      }
    }
    return founded;
  }

  void ask(TypeId product, Scope given) {
    reach_want({number(product), given, false}, roots_ | given);
  }
  void reach(size_t rule, Scope scope) {
    if (!reached_.insert({rule, scope}).second) return;
    std::string text = name(rule, scope) + " <-";
    for (const OracleWant& want : rules_[rule].wants) text += " " + reach_want(want, scope);
    entries_.insert(text);
  }
  // "capture(T1)", or the param's name
  std::string reach_want(const OracleWant& want, Scope scope) {
    const std::vector<int> found = answers(want, scope);
    if (found.size() != 1) accepts_ = false;
    std::string text;
    for (const int answer : found) {
      if (answer < 0) return std::string(types_[static_cast<size_t>(want.product)]->name);
      reach(static_cast<size_t>(answer), scope | want.inputs);
      text += name(static_cast<size_t>(answer), scope | want.inputs);
    }
    return text;
  }
  std::string name(size_t rule, Scope scope) {
    std::string text = rules_[rule].info->name + "(";
    for (size_t i = 0; i < types_.size(); ++i) {
      if ((state(rule, scope).used >> i & 1) != 0) text += std::string(types_[i]->name) + " ";
    }
    return text + ")";
  }

  const std::vector<TypeId>& types_;
  std::vector<OracleRule> rules_;
  Scope roots_ = 0;
  std::vector<State> states_;
  std::set<std::pair<size_t, Scope>> reached_;
  bool accepts_ = true;
  std::set<std::string> entries_;
};

// The same text of what was linked.
std::string name_of(const Entry& entry) {
  std::string text = entry.rule.info.name + "(";
  for (const TypeId type : entry.params) text += std::string(type->name) + " ";
  return text + ")";
}

// What the supply says comes from where it says: an input where that has the type.
std::string answer_of(const Supply& supply, TypeId product, const std::vector<TypeId>& inputs,
                      const std::vector<TypeId>& own) {
  const std::vector<TypeId> alone{product};
  const std::vector<TypeId>& wanted = supply.entry == nullptr ? alone : supply.entry->params;
  if (wanted.size() != supply.params.size()) return "of another number of params";
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Supply::From& from = supply.params[i];
    const std::vector<TypeId>& there = from.input ? inputs : own;
    if (from.index >= there.size() || there[from.index] != wanted[i]) return "from elsewhere";
    const bool given = std::find(inputs.begin(), inputs.end(), wanted[i]) != inputs.end();
    if (given && !from.input) return "past an input";
  }
  return supply.entry == nullptr ? std::string(product->name) : name_of(*supply.entry);
}

std::string text_of(const Entry& entry) {
  std::string text = name_of(entry) + " <-";
  const RuleInfo& info = entry.rule.info;
  for (size_t i = 0; i < info.arguments.size(); ++i) {
    text += " " + answer_of(entry.arguments[i], info.arguments[i], {}, entry.params);
  }
  for (size_t i = 0; i < info.gets.size(); ++i) {
    for (const GetSupply::Case& answer : entry.gets[i].cases) {
      const std::vector<TypeId> inputs =
          answer.member == nullptr ? info.gets[i].inputs : std::vector<TypeId>{answer.member};
      text += " " + answer_of(answer.supply, info.gets[i].product, inputs, entry.params);
    }
  }
  return text;
}

class RandomRules {
 public:
  explicit RandomRules(uint64_t seed) : random_(seed) {
    count_ = 3 + pick(4);
    for (size_t i = 0; i < count_; ++i) types.push_back(rules.type("T" + std::to_string(i)));
    if (pick(2) == 0) add_union();
    for (size_t i = 0, n = pick(3); i < n; ++i) rules.root(any());
    for (size_t i = 0, n = 2 + pick(7); i < n; ++i) {
      rules.rule(any(), "r" + std::to_string(i), some(2), gets());
    }
    if (pick(2) == 0) rules.goal("goal", some(1), gets());
    std::set<std::pair<std::string, std::set<std::string>>> queries;
    for (size_t i = 0, n = 1 + pick(2); i < n; ++i) {
      const std::string product = any();
      const ToyRules::Names inputs = has_union_ && pick(4) == 0 ? ToyRules::Names{"Base"} : some(2);
      if (queries.emplace(product, std::set(inputs.begin(), inputs.end())).second) {
        rules.query(product, inputs);
      }
    }
  }

  ToyRules rules;
  std::vector<TypeId> types;

 private:
  size_t pick(size_t below) { return random_() % below; }
  std::string any() { return "T" + std::to_string(pick(count_)); }
  ToyRules::Names some(size_t most) {
    std::set<std::string> names;
    for (size_t i = 0, n = pick(most + 1); i < n; ++i) names.insert(any());
    ToyRules::Names shuffled(names.begin(), names.end());
    std::shuffle(shuffled.begin(), shuffled.end(), random_);
    return shuffled;
  }
  ToyRules::Gets gets() {
    ToyRules::Gets gets;
    for (size_t i = 0, n = pick(3); i < n; ++i) {
      const bool of_union = has_union_ && pick(3) == 0;
      gets.emplace_back(any(), of_union ? ToyRules::Names{"Base"} : some(2));
    }
    return gets;
  }
  void add_union() {
    has_union_ = true;
    rules.union_base("Base");
    std::set<std::string> members;
    for (size_t i = 0, n = pick(4); i < n; ++i) members.insert(any());
    for (const std::string& member : members) rules.member("Base", member);
  }

  std::mt19937_64 random_;
  size_t count_ = 0;
  bool has_union_ = false;
};

// The same declarations in another order; their places stay with them.
RuleSet shuffled(const RuleSet& set, std::mt19937_64 random) {
  const auto in_another_order = [&](auto things) {
    std::shuffle(things.begin(), things.end(), random);
    return things;
  };
  RuleSet other;
  for (const auto& rule : in_another_order(set.rules())) other.define(*rule);
  for (const QueryDeclaration& query : in_another_order(set.queries())) other.define(query);
  for (const UnionMember& member : in_another_order(set.members())) other.define(member);
  for (const TypeId root : in_another_order(set.roots())) other.add_root(root);
  return other;
}

// All that is told of a compiled set.
std::string told_of(const RuleGraph::Compiled& compiled) {
  std::string text = to_text(compiled.errors) + to_text(compiled.warnings);
  if (compiled.graph == nullptr) return text;
  for (const auto& entry : compiled.graph->entries()) text += text_of(*entry) + "\n";
  return text;
}

// Empty, or what is wrong.
std::string disagreement(RandomRules& random, bool& accepted) {
  const Oracle oracle(random.rules.set, random.types, random.rules.type("Base"));
  const RuleGraph::Compiled compiled = random.rules.compile();
  accepted = oracle.accepts();
  const std::string told = told_of(compiled);
  const std::string reordered =
      told_of(RuleGraph::compile(shuffled(random.rules.set, std::mt19937_64(told.size()))));
  if (told != reordered) return "in another order:\n" + reordered + "and not:\n" + told;
  if ((compiled.graph != nullptr) != oracle.accepts()) {
    return oracle.accepts() ? "refused: " + to_text(compiled.errors) : "accepted";
  }
  std::set<std::string> causes;
  for (const Diagnostic& error : compiled.errors) {
    const std::string cause = std::string(kind_name(error.kind)) + error.wanted_by + error.want;
    const bool ambiguous = error.kind == Diagnostic::Kind::kAmbiguous;
    if (!ambiguous && !causes.insert(cause).second) return "told twice: " + cause;
    if (error.fix.empty()) return "without a fix: " + cause;
  }
  if (compiled.graph == nullptr) return compiled.errors.empty() ? "refused without an error" : "";
  std::set<std::string> entries;
  for (const auto& entry : compiled.graph->entries()) {
    if (!entries.insert(text_of(*entry)).second) return "an entry twice: " + text_of(*entry);
  }
  if (entries == oracle.entries()) return "";
  std::string text = "linked:\n";
  for (const std::string& entry : entries) text += "  " + entry + "\n";
  text += "expected:\n";
  for (const std::string& entry : oracle.entries()) text += "  " + entry + "\n";
  return text;
}

TEST(RulesCompilerFuzz, AgreesWithTheNaiveOracle) {
  const test::FuzzSeeds seeds(5000);
  uint64_t accepted = 0;
  seeds.for_each([&](uint64_t seed) {
    RandomRules random(seed);
    bool accepts = false;
    ASSERT_EQ(disagreement(random, accepts), "");
    accepted += accepts ? 1 : 0;
  });
  if (seeds.is_replay()) return;
  // Neither answer is right by being given always.
  EXPECT_GT(accepted, seeds.rounds() / 20);
  EXPECT_LT(accepted, seeds.rounds() - seeds.rounds() / 20);
}

}  // namespace
}  // namespace kiln::rules
