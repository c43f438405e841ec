// Programs: random functions over mutable leaves, and what they should compute.
//
// What:    a Plan is what one node does, a World what the leaves are. The evaluator computes from
//          nothing, on one thread: it is the oracle. Plans may close cycles.
// Threads: single-owner.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace kiln::graph::fuzz {

inline constexpr int kLeaves = 6;
inline constexpr int kNodes = 24;  // leaves included

// How a node computes: steps in order, each asking for one node, for one of two depending on what
// came before, or for several at once.
struct Step {
  enum Kind { kOne, kEither, kGroup } kind = kOne;
  std::vector<int> nodes;

  // What is asked for, when the steps before have come to `sum`.
  std::vector<int> asked(int sum) const;
};
struct Plan {
  std::vector<Step> steps;
  bool tolerant = false;  // goes on when what it asks for fails
};
using Plans = std::vector<Plan>;  // by node; those of leaves are empty

// A node that is no leaf asks for smaller ones. With `cycles` some ask for greater ones or for
// themselves as well; then none is tolerant: what it made would depend on where a cycle was closed.
Plans random_plans(std::mt19937_64& random, bool cycles);

// How a node ends.
struct Expected {
  std::optional<int> value;
  // Without a value: with which errors it may end. Of several that it meets at once either may come
  // first.
  bool fails = false;
  bool waits_for_itself = false;

  std::string text() const;
};

struct World {
  std::array<int, kLeaves> leaves{};  // negative: the leaf fails

  int leaf(int node) const { return leaves[static_cast<size_t>(node)]; }
  Expected expected(const Plans& plans, int node) const;
};

}  // namespace kiln::graph::fuzz
