// Engine: the memo's workings, behind Graph and Context.
//
// Sources: ask.cc (asking for nodes), leave.cc (losing interest), drive.cc (what an attempt does),
//          recheck.cc, settle.cc (its halves), cycle.cc (who waits for whom), invalidate.cc,
//          evict.cc, forget.cc (what memory it takes), observe.cc (what the observer is told),
//          graph.cc (requests from outside).
// Locks:   invalidation_, waits_, forgetting_ or eviction_; then a shard's; then a node's; then
//          arrivals_mutex_. Never two nodes' at once, and none while a function runs or a coroutine
//          is resumed.
#pragma once

#include <absl/container/inlined_vector.h>

#include <span>
#include <vector>

#include "daemon/graph/attempt.h"
#include "daemon/graph/counters.h"
#include "daemon/graph/eviction_order.h"
#include "daemon/graph/live_count.h"
#include "daemon/graph/node_table.h"
#include "daemon/graph/observer.h"
#include "daemon/graph/presence.h"
#include "daemon/graph/sweep.h"

namespace kiln::graph {

class Engine {
 public:
  Engine(Executor& executor, Options options)
      : executor_(executor), options_(options), forget_above_(options.node_budget) {}
  ~Engine();

  // False: it has to be waited for, or must not be given away now.
  bool answer_at_hand(const Key& key, RunId run, SpanId parent, Answer& answer);
  Task<Result<Answer>> request(Key key, RunId run, RequestOrigin origin);
  size_t invalidate(std::span<const Hash128> keys);
  std::optional<Why> why(const Hash128& hash) const;
  Stats stats() const;

  // --- for Context ---
  Node& node_of(Key&& key) { return table_.find_or_create(std::move(key)); }
  // The value, and that `attempt` read it, if it is at hand for whoever asks; else null.
  ValueRef value_at_hand(Attempt& attempt, Node& target);
  // A block for what `attempt` asks for next, all before it knows an answer; suspend() and
  // collect() it. An error: it is not to ask. `tolerated` is empty, or says of each target whether
  // its error is.
  Result<WaitBlock*> open_block(Attempt& attempt, std::span<Node* const> targets,
                                const std::vector<bool>& tolerated = {});
  // Asks for all in `block`. True: `waiter` is suspended, and the engine resumes it.
  bool suspend(WaitBlock& block, std::coroutine_handle<> waiter);
  // Ends the waits that are not done and notes what was read. The outcomes are the caller's then.
  void collect(WaitBlock& block);
  std::stop_token stop_token_of(Attempt& attempt);

  // Everyone who waits in `block` is answered at once, with kCancelled or by giving up.
  enum class Leaving : uint8_t { kCancelled, kGaveUp };
  void leave(WaitBlock& block, Leaving how);

 private:
  struct Driver;
  struct Verdict;
  class RootWait;
  using Starts = absl::InlinedVector<std::coroutine_handle<>, 2>;

  // ask.cc
  void ask(Wait& wait, Starts& starts);
  bool answer_if_clean(Wait& wait, Node& node) KILN_REQUIRES(node.lock);
  std::coroutine_handle<> start(Wait& wait, Node& node) KILN_REQUIRES(node.lock);
  void join(Wait& wait, Node& node) KILN_REQUIRES(node.lock);
  void launch(Starts starts, bool from_outside);
  Outcome clean_outcome(Node& node, bool with_value) KILN_REQUIRES(node.lock);

  // cycle.cc
  struct Step;
  bool join_in_order(Wait& wait);
  std::vector<Step> find_path(Node& from, const Node& to, uint64_t limit) KILN_REQUIRES(waits_);
  Node* may_yield(std::span<const Step> path) const KILN_REQUIRES(waits_);
  void raise(Node& node, uint64_t level) KILN_REQUIRES(waits_);

  // leave.cc
  struct Leftovers;
  void abandon(Node& node, Leftovers& leftovers) KILN_REQUIRES(node.lock);
  static void take_blocks(Attempt& attempt, std::vector<WaitBlock*>& blocks);
  void drain(Leftovers leftovers, Leaving how);

  // What is remembered is up to date when Clean is entered.
  void enter(Node& node, State next) KILN_REQUIRES(node.lock) {
    node.enter(next);
    table_.note_steady(node);
  }

  // drive.cc
  enum class Next : uint8_t { kCheck, kRun, kEnd };
  static Driver drive(Engine& engine, Node& node, State found, const WaitBlock& asked_by);
  // An attempt, and the coroutine that is to be resumed for it to begin.
  struct Driven {
    Attempt& attempt;
    std::coroutine_handle<> handle;
  };
  Driven make_attempt(Node& node, State found, const WaitBlock& asked_by);
  Next begin(Attempt& attempt);
  void start_function(Node& node, Attempt& attempt, RunReason reason, NodeId changed)
      KILN_REQUIRES(node.lock);
  Next repeat(Attempt& attempt);
  bool is_stale(const Node& node, const Attempt& attempt) const KILN_REQUIRES(node.lock);

  // recheck.cc
  Task<Next> recheck(Attempt& attempt);
  class Recorded;
  void compare(std::span<const Edge> edges, RunId run, Verdict& verdict, Edges& open);
  WaitBlock* open_check(Attempt& attempt, std::span<const Edge> open, RunId run);
  static void judge(std::span<const Edge> open, WaitBlock& block, Verdict& verdict);
  Next settle_checked(Attempt& attempt, Verdict verdict);

  // settle.cc
  Next settle_computed(Attempt& attempt, Computed computed);
  Next settle_failed(Attempt& attempt, Error error);
  // True: it is what was remembered before.
  bool store(Node& node, Attempt& attempt, Computed& computed, const ValueRef& old, bool equal,
             Edges& retired) KILN_REQUIRES(node.lock);
  void finish(Node& node, Attempt& attempt, Outcome outcome, Wait*& done) KILN_REQUIRES(node.lock);
  void resume_done(Wait* done);
  void fail(Attempt& attempt, Error error);
  void finish_failed(Node& node, Attempt& attempt, Error error, Wait*& done)
      KILN_REQUIRES(node.lock);
  void return_node(Node& node, Attempt& attempt) KILN_REQUIRES(node.lock);
  void forget_reads(Attempt& attempt);

  // invalidate.cc
  bool mark(Node& node, NodeId cause, std::vector<NodeId>& next) KILN_REQUIRES(node.lock);

  // evict.cc
  void evict();
  std::optional<Worth> evict(EvictionOrder::Candidate candidate);
  void note_value(Node& node, uint64_t ticks) KILN_REQUIRES(node.lock);
  ValueRef drop_value(Node& node) KILN_REQUIRES(node.lock);
  // Around what the attempt's function does by itself.
  void start_clock(Attempt& attempt) const;
  void stop_clock(Attempt& attempt) const;

  // forget.cc
  void note_size();
  void post_sweep();
  bool sweep() KILN_REQUIRES(forgetting_);
  bool visit_next() KILN_REQUIRES(forgetting_);
  bool may_forget(const Node& node) const;
  static bool is_forgettable(const Node& node) KILN_REQUIRES(node.lock);
  void forget(Node& node) KILN_REQUIRES(forgetting_);

  // observe.cc: only if there is an observer, the end only if attempt.is_span(); no lock held.
  void tell_start(Attempt& attempt);
  void tell_end(Attempt& attempt, Ending ending, const Computed* computed, const Error* error);
  void tell_answer(const Key& key, RunId run, SpanId parent, const Answer& answer,
                   const Error* error);

  // graph.cc
  // Fills in the answer, as far as it got.
  Task<Result<void>> request_slowly(Node& node, RunId run, const RequestOrigin& origin,
                                    Answer& answer);
  bool answer_request(Node& node, RunId run, Answer& answer);

  // These synchronise themselves, and are aligned to cache lines.
  NodeTable table_;
  Counters counters_;
  LiveCount live_;
  mutable Presence presence_;  // of requests from outside

  Executor& executor_;
  const Options options_;
  // Odd while an invalidation is on its way up.
  std::atomic<uint64_t> epoch_{0};
  std::atomic<uint64_t> forget_above_;  // so many nodes; 0: never
  // The greatest generation of a node that was forgotten: if it comes again, it goes on from there,
  // so that equal generations of one key are equal values for whoever remembers them.
  std::atomic<uint32_t> last_forgotten_{0};
  std::atomic<bool> closing_{false};
  std::atomic<bool> evicting_{false};  // the executor has a piece of it
  std::atomic<bool> sweep_posted_{false};
  std::atomic<bool> sweeping_{false};  // it has begun and not ended

  Mutex invalidation_;
  Mutex waits_;  // held while a wait is added for an attempt that another asker started
  Mutex forgetting_;
  Sweep sweep_ KILN_GUARDED_BY(forgetting_);
  mutable Mutex eviction_;
  EvictionOrder order_ KILN_GUARDED_BY(eviction_);
  mutable Mutex arrivals_mutex_;
  // What is in the order of eviction next.
  std::vector<EvictionOrder::Candidate> arrivals_ KILN_GUARDED_BY(arrivals_mutex_);
};

// What is left to do, without any lock, when attempts were abandoned.
struct Engine::Leftovers {
  std::vector<WaitBlock*> blocks;  // referenced
  std::vector<std::stop_source> stops;
  std::vector<std::coroutine_handle<>> resumed;
};

}  // namespace kiln::graph
