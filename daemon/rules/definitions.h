// Definitions: what a rule graph is made of, without templates: all that the compiler looks at, and
// how a rule is begun.
// Threads: immutable values.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/graph/graph.h"
#include "daemon/rules/rule.h"

namespace kiln::rules {

struct Location {
  std::string file;
  uint32_t line = 0;
  friend bool operator==(const Location&, const Location&) = default;
};
std::string to_string(const Location& location);  // "daemon/backends/shell/lint.cc:12"

// One of the gets that a rule declares.
struct GetDeclaration {
  TypeId product = nullptr;
  std::vector<TypeId> inputs;
  friend bool operator==(const GetDeclaration&, const GetDeclaration&) = default;
};
// "get<Snapshot>(PathGlobs)"
std::string to_string(const GetDeclaration& get);

// What a parameter of a rule is given.
struct Argument {
  const graph::Value* value = nullptr;
  void* effect = nullptr;  // instead, for a side effect
};

enum class RuleKind : uint8_t {
  kRule,
  kIntrinsic,  // built in: asks the graph by itself, for nodes that are no rules
  kGoal,
};

// What is known of a rule without running it: all that the compiler looks at.
struct RuleInfo {
  std::string name;  // unique in a graph, and part of its nodes' keys
  Location where;
  RuleKind kind = RuleKind::kRule;
  TypeId product = nullptr;  // null for a goal
  std::vector<TypeId> arguments;
  std::vector<GetDeclaration> gets;
  bool uncacheable = false;  // runs once in every run that asks
  std::string summary;       // of a goal, for its help
};

struct RuleDefinition {
  RuleInfo info;
  // Of a rule or a goal: begins one application. The arguments outlive it.
  std::function<RuleBody(std::span<const Argument>)> start;
  // Of an intrinsic.
  std::function<Task<Result<graph::Computed>>(graph::Context&, std::span<const Argument>)> compute;
};

// What a client may ask for by type.
struct QueryDeclaration {
  GetDeclaration get;
  Location where;
};

struct UnionMember {
  TypeId base = nullptr;
  TypeId member = nullptr;
  Location where;
  std::shared_ptr<const void> what;  // a Base::Member
};

// A param that every root begins with and that follows from the rule set itself.
struct Constant {
  TypeId type = nullptr;
  std::function<Param(std::span<const UnionMember>)> make;
};

}  // namespace kiln::rules
