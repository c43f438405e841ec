// Node: what the memo knows of one key. One lock each, held for a few instructions at a time.
//
// A node is in one of four states:
//
//   Idle     It never had a value, and nothing is at work on it.             → Running
//   Running  An attempt is at work: it re-checks the recorded dependencies   → Clean, Dirty, Idle
//            or runs the function. Everyone who asks waits for that attempt.
//   Clean    Value, dependencies and generation hold, for the runs up to     → Running, Dirty
//            `good_through`. The value itself may have been evicted.
//   Dirty    Something below may have changed since the value was computed.  → Running
//            Value, dependencies and generation are those of that time.
//
// An attempt that ends in an error or is abandoned leaves the node as it found it, but Dirty if it
// was invalidated meanwhile: a failure forgets nothing and stores nothing.
//
// Invariant: what a Clean node depends on is Clean, for the runs that the node is Clean for. So an
// invalidation may stop climbing at a node that is Dirty, or Running and already hit: whatever
// depends on it is not Clean either.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <limits>

#include "common/types/ids.h"
#include "daemon/graph/graph.h"
#include "daemon/graph/node_lock.h"

namespace kiln::graph {

struct Attempt;

// Index of a node in the NodeTable; 0 is no node.
using NodeId = uint32_t;

enum class State : uint8_t { kIdle, kRunning, kClean, kDirty };

// A dependency: which node, and its generation when it was read. The dependencies of a node form
// groups, in the order of asking: what is in one group was asked for before any answer of that
// group was known. Hence a group may be re-checked at once when all groups before it are unchanged.
struct Edge {
  NodeId node = 0;
  uint32_t generation : 30 = 0;  // 0: asked for, and never answered
  uint32_t opens_group : 1 = 0;
  uint32_t changed : 1 = 0;  // if the node ran for that, this is the one

  friend bool operator==(const Edge& a, const Edge& b) {
    return a.node == b.node && a.generation == b.generation;
  }
};
using Edges = absl::InlinedVector<Edge, 2>;
// A multiset: one entry for each recorded dependency, and one for each that a running attempt has
// read and that is not recorded at the same place.
using Dependents = absl::InlinedVector<NodeId, 4>;

// Good for every run.
constexpr RunId kEveryRun{std::numeric_limits<uint64_t>::max()};

// Two cache lines: of the first a look-up reads all, of the second nothing.
struct alignas(64) Node {
  // A vacant place.
  explicit Node(NodeId node_id) : id(node_id) {}

  Key key;  // constant until the place is another node's

  mutable NodeLock lock;
  State state KILN_GUARDED_BY(lock) = State::kIdle;
  // The validity that the function gave the value.
  Validity validity KILN_GUARDED_BY(lock) = Validity::kForever;
  // Named by invalidate() since the function started last: it must run.
  bool forced : 1 KILN_GUARDED_BY(lock) = false;
  // The last attempt failed or was abandoned.
  bool failed : 1 KILN_GUARDED_BY(lock) = false;
  // This value, or one below, was good only for those who were waiting then.
  bool transient : 1 KILN_GUARDED_BY(lock) = false;
  // The value was read since it came into the order of eviction, or since its turn came there.
  bool used : 1 KILN_GUARDED_BY(lock) = false;
  // This place is in the order of eviction, whoever's it is.
  bool queued : 1 KILN_GUARDED_BY(lock) = false;
  // Not used yet; or forgotten: no look-up finds it, and when nobody can name it any more the place
  // is free.
  bool gone : 1 KILN_GUARDED_BY(lock) = true;
  // The sweep that was at work, or had been last, when the node was looked up last.
  std::atomic<uint8_t> looked_up{0};
  ValueRef value KILN_GUARDED_BY(lock);
  // The newest run that this value is good for, with all that is below.
  RunId good_through KILN_GUARDED_BY(lock) = kEveryRun;
  uint32_t generation KILN_GUARDED_BY(lock) = 0;  // 0: it never had a value

  const NodeId id;
  RunReason reason KILN_GUARDED_BY(lock) = RunReason::kNeverRan;
  // How long the function itself last worked: bits of a number of ticks.
  uint8_t cost KILN_GUARDED_BY(lock) = 0;
  union Work {
    Attempt* attempt;  // while Running; it keeps the other meanwhile
    // Else: the newest run that the value is good for by its own validity.
    RunId own_through = kEveryRun;
  };
  Work work KILN_GUARDED_BY(lock);
  Edges deps KILN_GUARDED_BY(lock);
  Dependents dependents KILN_GUARDED_BY(lock);

  // CHECKs that the exit is legal.
  void enter(State next) KILN_REQUIRES(lock);
  // The generation while the node is Clean for every run, else 0.
  uint32_t steady() const KILN_REQUIRES(lock) { return clean_for(kEveryRun) ? generation : 0; }
  // May `run` believe what is remembered, without looking further?
  bool clean_for(RunId run) const KILN_REQUIRES(lock) {
    return state == State::kClean && !transient && run <= good_through;
  }
  // Is `dependency` the one that is recorded in this place?
  bool records(size_t place, NodeId dependency) const KILN_REQUIRES(lock) {
    return place < deps.size() && deps[place].node == dependency;
  }
  void drop_dependent(NodeId dependent) KILN_REQUIRES(lock);
  // As one that was never used, but for what belongs to the place.
  void reset() KILN_REQUIRES(lock);
};
static_assert(sizeof(Node) == 128);

}  // namespace kiln::graph
