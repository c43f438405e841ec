#include "daemon/rules/compiler/declarations.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/strings/ascii.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "common/types/own_commands.h"

namespace kiln::rules {

namespace {

Diagnostic about(Diagnostic::Kind kind, std::string who, const Location& where, std::string what,
                 std::string fix) {
  Diagnostic diagnostic;
  diagnostic.kind = kind;
  diagnostic.wanted_by = std::move(who);
  diagnostic.file = where.file;
  diagnostic.line = where.line;
  diagnostic.want = std::move(what);
  diagnostic.fix = std::move(fix);
  return diagnostic;
}

Diagnostic invalid(std::string who, const Location& where, std::string what, std::string fix) {
  return about(Diagnostic::Kind::kInvalid, std::move(who), where, std::move(what), std::move(fix));
}

Diagnostic duplicate(std::string who, const Location& where, std::string what, std::string first,
                     const Location& first_where, std::string fix) {
  Diagnostic diagnostic =
      about(Diagnostic::Kind::kDuplicate, std::move(who), where, std::move(what), std::move(fix));
  diagnostic.candidates.push_back(
      {std::move(first), first_where.file, first_where.line, "came first"});
  return diagnostic;
}

// That can be typed as a word of a command line: "lint-all".
bool is_word(std::string_view name) {
  const auto fits = [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; };
  return !name.empty() && absl::ascii_isalpha(name.front()) &&
         std::all_of(name.begin(), name.end(), fits);
}

std::string name_of(const RuleInfo& rule) {
  return (rule.kind == RuleKind::kGoal ? "goal " : "") + rule.name;
}

// Of the same: then counting both would only make everything ambiguous that asks for it.
bool makes_the_same(const RuleInfo& a, const RuleInfo& b) {
  const bool is_goal = a.product == nullptr;
  return a.product == b.product && a.arguments == b.arguments && (!is_goal || a.gets == b.gets);
}

std::string fix_of_taken_name(const RuleInfo& rule, const RuleInfo& first) {
  if (rule.product != nullptr && !makes_the_same(rule, first)) {
    return "give it another name: a rule is known by that of its function, which instances of a "
           "template share";
  }
  return first.where == rule.where ? "register it once"
                                   : "register it once, or give it another name";
}

std::string sorted_inputs(const GetDeclaration& get) {
  std::vector<std::string_view> names;
  names.reserve(get.inputs.size());
  for (const TypeId type : get.inputs) names.push_back(type->name);
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string_view name : names) text += std::string(name) + ",";
  return text;
}

class Collector {
 public:
  explicit Collector(const RuleSet& set) : set_(set) {}

  Declarations collect() && {
    for (const auto& rule : set_.rules()) add(*rule);
    for (const QueryDeclaration& query : set_.queries()) add(query);
    for (const UnionMember& member : set_.members()) add(member);
    for (const TypeId root : set_.roots()) see(root, "the roots", {});
    for (const OptionScope& scope : set_.option_scopes()) add(scope);
    sort(found_.rules, [](const RuleDefinition& rule) {
      return key(rule.info.where, std::string_view(rule.info.name));
    });
    sort(found_.queries,
         [](const QueryDeclaration& query) { return key(query.where, to_string(query)); });
    sort(found_.members,
         [](const UnionMember& member) { return key(member.where, member.member->name); });
    return std::move(found_);
  }

 private:
  template <class Name>
  static std::tuple<std::string_view, uint32_t, Name> key(const Location& where, Name name) {
    return {where.file, where.line, std::move(name)};
  }
  // By their places in the sources: nothing that follows depends on who registered first.
  template <class T, class KeyOf>
  static void sort(std::vector<const T*>& found, KeyOf key_of) {
    std::stable_sort(found.begin(), found.end(),
                     [&](const T* a, const T* b) { return key_of(*a) < key_of(*b); });
  }

  void add(const RuleDefinition& rule) {
    const RuleInfo& info = rule.info;
    if (!definitions_.insert(&rule).second) return;
    const std::string name = name_of(info);
    const auto [first, is_new] = rules_.emplace(info.name, &info);
    if (!is_new) {
      const RuleInfo& other = *first->second;
      found_.clashes.push_back(duplicate(name, info.where, "the name is taken", name_of(other),
                                         other.where, fix_of_taken_name(info, other)));
      // Another rule of the name is a rule all the same, or what it makes would be missed.
      if (makes_the_same(info, other)) return;
    }
    found_.rules.push_back(&rule);
    if (info.kind == RuleKind::kGoal) check_goal_name(info);
    if (info.product != nullptr) see(info.product, name, info.where);
    for (const TypeId type : info.arguments) see(type, name, info.where);
    for (const GetDeclaration& get : info.gets) see(get, name, info.where);
  }

  void check_goal_name(const RuleInfo& goal) {
    const std::string name = name_of(goal);
    if (!is_word(goal.name)) {
      found_.clashes.push_back(invalid(name, goal.where, "nobody can type this name",
                                       "begin it with a letter, and go on with letters, digits, - "
                                       "and _"));
    } else if (is_own_command(goal.name)) {
      found_.clashes.push_back(
          invalid(name, goal.where,
                  "nobody can reach it: `kiln " + goal.name + "` is a command of kiln's own",
                  "give it another name"));
    }
  }

  void add(const QueryDeclaration& query) {
    const std::string name = to_string(query);
    const auto [first, is_new] = queries_.emplace(
        std::pair(std::string(query.get.product->name), sorted_inputs(query.get)), &query);
    if (is_new) {
      found_.queries.push_back(&query);
      see(query.get, name, query.where);
    } else if (first->second->where != query.where) {
      found_.clashes.push_back(duplicate(name, query.where, "it was declared before",
                                         to_string(*first->second), first->second->where,
                                         "declare it once"));
    }
  }

  void add(const UnionMember& member) {
    const std::string name =
        "member " + std::string(member.member->name) + " of " + std::string(member.base->name);
    const auto [first, is_new] = members_.emplace(std::pair(member.base, member.member), &member);
    if (is_new) {
      found_.members.push_back(&member);
      see(member.base, name, member.where);
      see(member.member, name, member.where);
    } else if (first->second->where != member.where) {
      found_.clashes.push_back(duplicate(name, member.where, "it was registered before", name,
                                         first->second->where, "register it once"));
    }
  }

  void add(const OptionScope& options) {
    const std::string name = "options " + std::string(options.type->name);
    const std::string scope(options.scope);
    if (!is_word(scope)) {
      found_.clashes.push_back(
          invalid(name, {}, "nobody can type the scope '" + scope + "'",
                  "begin its kScope with a letter, and go on with letters, digits, - and _"));
    }
    const auto [first, is_new] = scopes_.emplace(scope, options.type);
    if (is_new || first->second == options.type) return;
    found_.clashes.push_back(duplicate(name, {}, "the scope " + scope + " is taken",
                                       "options " + std::string(first->second->name), {},
                                       "give one of the two another kScope"));
  }

  void see(const GetDeclaration& get, const std::string& by, const Location& where) {
    see(get.product, by, where);
    for (size_t i = 0; i < get.inputs.size(); ++i) {
      see(get.inputs[i], by, where);
      const auto end = get.inputs.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::find(get.inputs.begin(), end, get.inputs[i]) == end) continue;
      const std::string type(get.inputs[i]->name);
      found_.clashes.push_back(about(
          Diagnostic::Kind::kDuplicate, by, where, to_string(get) + " gives " + type + " twice",
          "give it once; for two different values make a type for each"));
    }
  }

  // Types are known by their names: to clients, in keys, and in what people read.
  void see(TypeId type, const std::string& by, const Location& where) {
    if (!types_.insert(type).second) return;
    if (type->find_unlisted != nullptr) {
      for (const Unlisted& unlisted : type->find_unlisted()) {
        if (unlisted_.insert(unlisted.type).second) refuse(unlisted, by, where);
      }
    }
    const auto [first, is_new] = type_names_.emplace(type->name, std::tuple(type, by, where));
    if (is_new) return;
    const auto& [other, first_by, first_where] = first->second;
    found_.clashes.push_back(duplicate(by, where,
                                       "another type is named " + std::string(type->name), first_by,
                                       first_where, "give one of the two another kTypeName"));
  }

  // `by` is who takes or gives the value that it is, or is part of.
  void refuse(const Unlisted& unlisted, const std::string& by, const Location& where) {
    const std::string& name = unlisted.name;
    found_.clashes.push_back(invalid(
        by, where,
        name + "::fields() leaves out " +
            (unlisted.members == 1 ? "a member" : std::to_string(unlisted.members) + " members"),
        "list every member there: values of " + name +
            " that differ in nothing else would be one"));
  }

  const RuleSet& set_;
  Declarations found_;
  absl::flat_hash_set<const RuleDefinition*> definitions_;
  absl::flat_hash_map<std::string_view, const RuleInfo*> rules_;
  std::map<std::pair<std::string, std::string>, const QueryDeclaration*> queries_;
  std::map<std::pair<TypeId, TypeId>, const UnionMember*> members_;
  std::map<std::string, TypeId> scopes_;
  absl::flat_hash_set<TypeId> types_;
  absl::flat_hash_set<const void*> unlisted_;  // structs that were refused
  absl::flat_hash_map<std::string_view, std::tuple<TypeId, std::string, Location>> type_names_;
};

}  // namespace

Declarations declarations_of(const RuleSet& set) { return Collector(set).collect(); }

std::string to_string(const QueryDeclaration& query) {
  // "get<Snapshot>(PathGlobs)" without the get<>
  std::string text = "query " + std::string(query.get.product->name) + "(";
  for (size_t i = 0; i < query.get.inputs.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(query.get.inputs[i]->name);
  }
  return text + ")";
}

}  // namespace kiln::rules
