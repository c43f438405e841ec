#include "daemon/graph/node.h"

#include <algorithm>

namespace kiln::graph {

namespace {

bool legal(State from, State to) {
  switch (from) {
    case State::kIdle:
    case State::kDirty:
      return to == State::kRunning;
    case State::kRunning:
      return to != State::kRunning;
    case State::kClean:
      return to == State::kRunning || to == State::kDirty;
  }
  return false;
}

}  // namespace

void Node::enter(State next) {
  KILN_CHECK(legal(state, next), "a node of the graph made an illegal transition");
  state = next;
}

void Node::drop_dependent(NodeId dependent) {
  // From the back: what was added last goes first, as a rule.
  const auto found = std::find(dependents.rbegin(), dependents.rend(), dependent);
  KILN_CHECK(found != dependents.rend(), "a dependent was dropped that was never added");
  *found = dependents.back();
  dependents.pop_back();
}

void Node::reset() {
  key = Key();
  state = State::kIdle;
  reason = RunReason::kNeverRan;
  validity = Validity::kForever;
  forced = failed = transient = used = false;
  cost = 0;
  generation = 0;
  value = ValueRef();
  work.own_through = good_through = kEveryRun;
  deps = Edges();
  dependents = Dependents();
}

std::string_view run_reason_name(RunReason reason) {
  switch (reason) {
    case RunReason::kNeverRan:
      return "never ran";
    case RunReason::kFirstRun:
      return "first run";
    case RunReason::kInputChanged:
      return "input changed";
    case RunReason::kInvalidated:
      return "invalidated";
    case RunReason::kNewRun:
      return "new run";
    case RunReason::kEvicted:
      return "evicted";
    case RunReason::kFailedBefore:
      return "failed before";
  }
  return "unknown";
}

}  // namespace kiln::graph
