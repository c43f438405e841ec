// Rule sets of toy types, written as tables: what the compiler of rule graphs sees of rules,
// without anything that runs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/rules/rule_graph.h"

namespace kiln::rules {

class ToyRules {
 public:
  using Names = std::vector<std::string>;
  // {"Snapshot", {"PathGlobs"}}: get<Snapshot>(PathGlobs)
  using Gets = std::vector<std::pair<std::string, Names>>;

  TypeId type(const std::string& name) {
    std::unique_ptr<Type>& type = types_[name];
    if (type == nullptr) {
      type = std::make_unique<Type>();
      type->name = types_.find(name)->first;
    }
    return type.get();
  }
  // Named Base: a union's base. Console: a side effect.
  void union_base(const std::string& name) { mutable_type(name).union_base = true; }
  void side_effect(const std::string& name) { mutable_type(name).side_effect = true; }

  // Each is declared on a line of its own: toy.cc:1, toy.cc:2, …
  void rule(const std::string& product, const std::string& name, const Names& arguments,
            const Gets& gets = {}) {
    add(RuleKind::kRule, type(product), name, arguments, gets);
  }
  void intrinsic(const std::string& product, const std::string& name, const Names& arguments) {
    add(RuleKind::kIntrinsic, type(product), name, arguments, {});
  }
  void goal(const std::string& name, const Names& arguments, const Gets& gets = {}) {
    add(RuleKind::kGoal, nullptr, name, arguments, gets);
  }
  void query(const std::string& product, const Names& inputs) {
    set.define(QueryDeclaration{{type(product), types(inputs)}, next_line()});
  }
  void member(const std::string& base, const std::string& member) {
    set.define(UnionMember{type(base), type(member), next_line(), nullptr});
  }
  void root(const std::string& name) { set.add_root(type(name)); }

  RuleGraph::Compiled compile() const { return RuleGraph::compile(set); }

  RuleSet set;

 private:
  Type& mutable_type(const std::string& name) {
    type(name);
    return *types_[name];
  }
  std::vector<TypeId> types(const Names& names) {
    std::vector<TypeId> types;
    for (const std::string& name : names) types.push_back(type(name));
    return types;
  }
  Location next_line() { return {"toy.cc", ++line_}; }
  void add(RuleKind kind, TypeId product, const std::string& name, const Names& arguments,
           const Gets& gets) {
    RuleDefinition definition;
    definition.info.name = name;
    definition.info.where = next_line();
    definition.info.kind = kind;
    definition.info.product = product;
    definition.info.arguments = types(arguments);
    for (const auto& [wanted, inputs] : gets) {
      definition.info.gets.push_back({type(wanted), types(inputs)});
    }
    set.define(std::move(definition));
  }

  std::map<std::string, std::unique_ptr<Type>> types_;
  uint32_t line_ = 0;
};

}  // namespace kiln::rules
