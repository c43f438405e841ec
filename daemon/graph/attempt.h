// Attempt: what is at work on a Running node, from the first who asks to the answer.
//
// Threads: what others look at belongs to the lock of `node`, the rest to the attempt's own
//          coroutine. (clang's analysis cannot tell that the lock reached through the attempt is
//          the one that is held.)
// Owns:    nothing, and is the promise of the coroutine that does it: Engine::drive. It goes when
//          that has ended. An attempt that everyone has left is abandoned: the node forgets it, and
//          its function winds down unheard.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>

#include "daemon/graph/graph.h"
#include "daemon/graph/wait.h"

namespace kiln::graph {

// A dependency as the running function reads it.
struct Read {
  NodeId node = 0;
  uint32_t generation : 30 = 0;  // 0: not answered yet
  uint32_t opens_group : 1 = 0;
  // The recorded dependencies have the same node in the same place, and its entry among the
  // dependents serves for this read too.
  uint32_t borrowed : 1 = 0;

  bool registered() const { return generation != 0 && borrowed == 0; }
};

struct Attempt {
  // For the first who asks: another attempt, or a request from outside.
  Attempt(Engine& the_engine, Node& the_node, State found, const WaitBlock& asked_by)
      : engine(the_engine),
        node(the_node),
        run(asked_by.run),
        root_run(asked_by.owner == nullptr ? run : asked_by.owner->root_run),
        parent(asked_by.owner == nullptr ? asked_by.origin->parent : asked_by.owner->span),
        context(*this),
        party(asked_by.owner == nullptr ? asked_by.origin->party : asked_by.owner->party),
        came_from(found),
        newest_run(run),
        own_through(the_node.work.own_through),
        span(parent),
        // Read under the node's lock: raise() sets the asker's level before it comes to look here.
        level(asked_by.owner == nullptr
                  ? 1
                  : asked_by.owner->level.load(std::memory_order_relaxed) + 1) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Constant.
  Engine& engine;
  Node& node;
  const RunId run;
  const RunId root_run;  // of the request from outside that led here
  const SpanId parent;   // the asker's, when it asked
  Context context;
  const Party party;  // of that request

  // Under the lock of `node`; written by others too.

  // What the node returns to if this attempt comes to nothing. Written by its coroutine only.
  State came_from;
  bool needs_value = false;  // some waiter wants more than the generation
  bool hit = false;          // invalidated since begin()
  bool was_forced = false;   // Node::forced, as the function found it
  bool ran = false;
  // Everyone has left. Read without the lock, too.
  std::atomic<bool> abandoned{false};
  NodeId hit_by = 0;  // the node that invalidate() named
  int restarts = 0;
  uint64_t epoch = 0;  // Engine::epoch_, at begin()
  RunId newest_run;    // of all who asked
  RunId own_through;   // Node::own_through
  Wait* waiters = nullptr;
  WaitBlock* blocks = nullptr;              // what the function, or the re-check, waits for
  std::stop_source stop{std::nostopstate};  // made when the function asks for it

  // The coroutine's own.
  bool saw_error = false;    // a dependency failed
  bool group_closed = true;  // an answer came since the last group of reads began
  bool reads_transient = false;
  RunReason reason = RunReason::kNeverRan;  // why the function runs, and
  NodeId changed = 0;                       // for kInputChanged: the dependency
  RunId begun_for{0};                       // the newest run that had asked when the function began
  // In ticks: how long the function has worked by itself; while it works, when it would have begun
  // if it had done so without a break.
  uint64_t worked = 0;
  SpanId span;  // of the function while it runs, else the parent
  RunId reads_through = kEveryRun;
  absl::InlinedVector<Read, 2> reads;
  // What the re-check was answered and no node remembers: errors, and values for those who were
  // waiting. The function gets the same, instead of making the dependency run again. Constant
  // while the function runs; null as a rule.
  using Foreseen = absl::flat_hash_map<NodeId, Outcome>;
  std::unique_ptr<const Foreseen> foreseen;

  // Synchronises itself.

  // Greater than that of every attempt that waits for this one; see cycle.cc.
  std::atomic<uint64_t> level;

  // The observer was told that the function started, and is to be told how it ended.
  bool is_span() const { return span != parent; }
  void link(Wait& wait);
  void unlink(Wait& wait);
  void link(WaitBlock& block);
  void unlink(WaitBlock& block);
  const Outcome* foresees(NodeId dependency) const;
};

}  // namespace kiln::graph
