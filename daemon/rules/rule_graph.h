// RuleGraph: a RuleSet after the compiler has proved that every get, every argument and every root
// can be satisfied, in exactly one way.
//
// What:    an Entry is a rule together with the params that its subtree consumes: what a node of
//          the memo is made of. A rule that is reached in scopes that differ in what it consumes
//          has an entry for each. The wants of an entry are bound to other entries, or to params.
// Rules:   (how a product T is found in a scope, the set of param types there)
//          1. A param of type T in scope is the answer.
//          2. Else a rule that returns T, if all that it wants can be satisfied in the scope. What
//             an intrinsic takes are params only: nothing is computed for it, or else every
//             Snapshot(Digest) would be another way to a Snapshot of whatever a Digest is made of.
//          3. For a get<T>(In…), only one that consumes every In, by itself or below.
//          4. There must be exactly one. There is no order of preference: to prefer is to surprise.
//          The inputs of a get join the scope of the asker, in place of params of the same types.
//          A get of a union's base is one get for each member, and a query one query.
// Threads: immutable.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/compiler/diagnostic.h"
#include "daemon/rules/rule_set.h"

namespace kiln::rules {

class Entry;

// How a want is satisfied.
struct Supply {
  // What computes it; null: a param is the answer.
  const Entry* entry = nullptr;
  // Where each of the entry's params (or the one that is the answer) comes from.
  struct From {
    bool input = false;  // an input of the get, or else a param of the asker
    uint32_t index = 0;
    friend bool operator==(const From&, const From&) = default;
  };
  absl::InlinedVector<From, 2> params;
};

// A get's supply; for a get of a union's base one for each member.
struct GetSupply {
  struct Case {
    TypeId member = nullptr;  // null: the only one
    Supply supply;
  };
  std::vector<Case> cases;

  // Null: no member has this type.
  const Supply* find(TypeId input) const;
};

class Entry final : public graph::Function {
 public:
  Entry(const RuleDefinition& rule, std::vector<TypeId> params);

  const RuleDefinition& rule;
  const std::vector<TypeId> params;  // consumed by the subtree, sorted by name
  // Parallel to the rule's arguments and gets. A side effect's supply is empty.
  std::vector<Supply> arguments;
  std::vector<GetSupply> gets;

  // The node for these params, which are as `params` says.
  graph::Key key(Params given) const;
  // The value that `supply` names, or the key of the node that computes it.
  static Param param(const Supply& supply, const Params& own, std::span<const Param> inputs);
  static graph::Key key(const Supply& supply, const Params& own, std::span<const Param> inputs);

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  const Hash128 seed_;           // of the rule and the types of its params
  const graph::Validity holds_;  // what it computes: a run at most, if it consumes what is of one
};

// Something that a client may ask for.
struct Root {
  std::string name;                         // "lint", or "Snapshot(PathGlobs)"
  const QueryDeclaration* query = nullptr;  // null for a goal
  // What the client gives: a query's own inputs, then what every root begins with.
  std::vector<TypeId> scope;
  // Its params are indices into `scope`, all of them `input`.
  Supply supply;
};

class RuleGraph {
 public:
  struct Compiled {
    std::unique_ptr<const RuleGraph> graph;  // null if there are errors
    std::vector<Diagnostic> errors;          // all of them, none a consequence of another
    std::vector<Diagnostic> warnings;        // rules that nothing uses
  };
  static Compiled compile(RuleSet rules);

  const RuleSet& rules() const { return rules_; }
  const std::vector<std::unique_ptr<Entry>>& entries() const { return entries_; }
  const std::vector<Root>& goals() const { return goals_; }
  const std::vector<Root>& queries() const { return queries_; }
  const Root* find_goal(std::string_view name) const;
  // By the names of types; inputs in any order.
  const Root* find_query(std::string_view product, std::span<const std::string> inputs) const;

 private:
  friend class Linker;
  explicit RuleGraph(RuleSet rules) : rules_(std::move(rules)) {}

  const RuleSet rules_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<Root> goals_;
  std::vector<Root> queries_;
};

}  // namespace kiln::rules
