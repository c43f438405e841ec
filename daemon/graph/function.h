// Functions, keys and what a computation may do: the memo's side of a rule.
//
// A node of the graph is a Function applied to one input. The function is pure but for what it
// gets from the graph through its Context: those gets are its dependencies.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/types/hash.h"
#include "common/types/ids.h"
#include "daemon/async/task.h"
#include "daemon/graph/value.h"

namespace kiln::graph {

// How long a computed value may be believed, dependencies aside.
enum class Validity : uint8_t {
  kForever,  // until a dependency changes or the node is invalidated
  // Until a newer run asks. Run ids grow, so a value is good for the newest run that had asked for
  // it when it was computed, and for every older one; never mind which of them it was computed
  // for. Whatever read it is good for no newer run either.
  kThisRun,
  // As kThisRun, but only for the runs that had asked when the function began. A newer run that
  // joins meanwhile may know of a change that came after the function had looked, so for that run
  // the function runs again. For what is read without being told of changes.
  kAskedBefore,
  // For those who were waiting; whoever asks later computes it again.
  kNever,
};

struct Computed {
  ValueRef value;
  Validity validity = Validity::kForever;
};

class Context;

// Immutable and thread-safe; outlives every graph that runs it.
class Function {
 public:
  virtual ~Function() = default;
  // Stable: part of every key's hash.
  virtual std::string_view name() const = 0;
  // Runs on the graph's executor and must finish there (after run_blocking() it does). `context`
  // and `input` live until the task has ended. An error reaches every waiter and is not stored.
  virtual Task<Result<Computed>> compute(Context& context, const Value& input) const = 0;
  // The node for a person: "digest file src/a.cc". Not on the hot path.
  virtual std::string describe(const Value& input) const = 0;
};

// What to compute. `hash` identifies the node: XXH3-128 over the function's name and version and
// the canonical encoding of the input. Two keys of equal hash are the same node.
struct Key {
  Hash128 hash;
  const Function* function = nullptr;
  ValueRef input;

  std::string describe() const { return function->describe(*input); }
};

}  // namespace kiln::graph
