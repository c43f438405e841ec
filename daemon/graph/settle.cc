// The end of an attempt: what was computed is remembered, or the failure is not, and all who wait
// are answered.
#include <algorithm>

#include "daemon/graph/engine.h"
#include "daemon/graph/trampoline.h"

namespace kiln::graph {

namespace {

// An error that passes through a very deep graph keeps its innermost frames.
constexpr size_t kMaxFrames = 32;

// The reads that were answered, as dependencies to record.
Edges edges_of(std::span<const Read> reads, NodeId changed) {
  Edges edges;
  edges.reserve(reads.size());
  bool opens = false;
  for (const Read& read : reads) {
    opens |= read.opens_group != 0;
    if (read.generation == 0) continue;
    edges.push_back({.node = read.node,
                     .generation = read.generation,
                     .opens_group = opens ? 1U : 0U,
                     .changed = read.node == changed ? 1U : 0U});
    opens = false;
  }
  return edges;
}

}  // namespace

Engine::Next Engine::settle_computed(Attempt& attempt, Computed computed) {
  KILN_CHECK(computed.value, "a function of the graph computed no value");
  Node& node = attempt.node;
  ValueRef old;
  if (attempt.came_from != State::kIdle) {
    NodeGuard guard(node.lock);
    old = node.value;
  }
  // Without the lock: comparing may take long.
  const bool equal = old && old->equals(*computed.value);
  const bool is_span = attempt.is_span();
  const Computed told = is_span ? computed : Computed();
  Edges retired;
  Wait* done = nullptr;
  bool abandoned = false;
  bool unchanged = false;
  {
    NodeGuard guard(node.lock);
    abandoned = attempt.abandoned;
    if (!abandoned) {
      unchanged = store(node, attempt, computed, old, equal, retired);
      const bool stale = is_stale(node, attempt);
      attempt.came_from = stale ? State::kDirty : State::kClean;
      attempt.restarts += stale ? 1 : 0;
      if (!stale && attempt.newest_run <= node.good_through) {
        enter(node, State::kClean);
        Outcome outcome = clean_outcome(node, true);
        outcome.ran = true;
        finish(node, attempt, std::move(outcome), done);
      }
    }
  }
  if (abandoned) {
    if (is_span) tell_end(attempt, Ending::kCancelled, nullptr, nullptr);
    forget_reads(attempt);
    return Next::kEnd;
  }
  if (is_span) {
    tell_end(attempt, unchanged ? Ending::kUnchanged : Ending::kChanged, &told, nullptr);
  }
  attempt.reads.clear();
  for (const Edge& edge : retired) {
    Node& dep = table_.at(edge.node);
    NodeGuard guard(dep.lock);
    dep.drop_dependent(node.id);
  }
  if (done == nullptr) return repeat(attempt);
  evict();
  resume_done(done);
  return Next::kEnd;
}

// Remembers what was computed, from what. `retired` are the dependencies it has no more.
bool Engine::store(Node& node, Attempt& attempt, Computed& computed, const ValueRef& old,
                   bool equal, Edges& retired) {
  Edges deps = edges_of(attempt.reads, attempt.changed);
  for (size_t i = 0; i < node.deps.size(); ++i) {
    const bool kept = i < attempt.reads.size() && attempt.reads[i].borrowed != 0 &&
                      attempt.reads[i].generation != 0;
    if (!kept) retired.push_back(node.deps[i]);
  }
  // An evicted value cannot be compared. A pure function of what it was a function of before gives
  // what it gave before; unless it was invalidated, and may have read either side of the change.
  const bool same_by_purity = !old && !attempt.was_forced && !node.forced && deps == node.deps &&
                              node.validity == Validity::kForever &&
                              computed.validity == Validity::kForever;
  const bool unchanged = node.generation != 0 && (equal || same_by_purity);
  if (unchanged) {
    counters_.add(Count::kCutOff);
  } else {
    node.generation = 1 + (node.generation == 0 ? last_forgotten_.load() : node.generation);
  }
  counters_.add(Count::kEdges,
                static_cast<int64_t>(deps.size()) - static_cast<int64_t>(node.deps.size()));
  if (node.value) counters_.add(Count::kValueBytes, -static_cast<int64_t>(node.value->bytes()));
  // The old one, if it is equal: it may have been evicted meanwhile.
  if (equal) {
    node.value = old;
  } else {
    node.value = std::move(computed.value);
  }
  note_value(node, attempt.worked);
  node.deps = std::move(deps);
  // Made in spite of an error, which is not remembered: so neither is this.
  node.validity = attempt.saw_error ? Validity::kNever : computed.validity;
  attempt.own_through = kEveryRun;
  if (node.validity == Validity::kThisRun) attempt.own_through = attempt.newest_run;
  if (node.validity == Validity::kAskedBefore) attempt.own_through = attempt.begun_for;
  node.good_through = std::min(attempt.own_through, attempt.reads_through);
  node.transient = node.validity == Validity::kNever || attempt.reads_transient;
  node.failed = false;
  attempt.was_forced = false;
  return unchanged;
}

Engine::Next Engine::settle_failed(Attempt& attempt, Error error) {
  Node& node = attempt.node;
  if (attempt.is_span()) {
    bool cancelled = error.code() == ErrorCode::kCancelled;
    {
      NodeGuard guard(node.lock);
      cancelled |= attempt.abandoned;
    }
    tell_end(attempt, cancelled ? Ending::kCancelled : Ending::kFailed, nullptr, &error);
  }
  if (attempt.saw_error && error.context().size() < kMaxFrames) {
    error = error.with_context("while computing " + node.key.describe());
  }
  Wait* done = nullptr;
  bool stale = false;
  {
    // At once: whoever joins after an invalidation must not be told of what was before it.
    NodeGuard guard(node.lock);
    // kUnavailable says that the function has waited for what keeps changing, and given up.
    stale =
        !attempt.abandoned && error.code() != ErrorCode::kUnavailable && is_stale(node, attempt);
    if (stale) {
      // Failed by what it read then; it may not fail by what is there now.
      node.forced |= attempt.was_forced;
      ++attempt.restarts;
    } else if (!attempt.abandoned) {
      finish_failed(node, attempt, std::move(error), done);
    }
  }
  // Only now: until then it was to hear of what happens to what it read.
  forget_reads(attempt);
  if (stale) return repeat(attempt);
  resume_done(done);
  return Next::kEnd;
}

void Engine::fail(Attempt& attempt, Error error) {
  Wait* done = nullptr;
  {
    NodeGuard guard(attempt.node.lock);
    if (attempt.abandoned) return;
    finish_failed(attempt.node, attempt, std::move(error), done);
  }
  resume_done(done);
}

void Engine::finish_failed(Node& node, Attempt& attempt, Error error, Wait*& done) {
  Outcome outcome;
  outcome.value = std::move(error);
  outcome.ran = attempt.ran;
  return_node(node, attempt);
  node.failed = true;
  finish(node, attempt, std::move(outcome), done);
}

// The attempt came to nothing: the node is what it was, or Dirty if that is not believed any more.
void Engine::return_node(Node& node, Attempt& attempt) {
  node.forced |= std::exchange(attempt.was_forced, false);
  State found = attempt.came_from;
  if (attempt.hit && found == State::kClean) found = State::kDirty;
  enter(node, found);
  node.work.own_through = attempt.own_through;
}

// What the attempt read is not recorded.
void Engine::forget_reads(Attempt& attempt) {
  for (const Read& read : attempt.reads) {
    if (!read.registered()) continue;
    Node& dep = table_.at(read.node);
    NodeGuard guard(dep.lock);
    dep.drop_dependent(attempt.node.id);
  }
  attempt.reads.clear();
}

// Hands the outcome to all who wait. `done` is the list of them, for resume_done().
void Engine::finish(Node& node, Attempt& attempt, Outcome outcome, Wait*& done) {
  node.work.own_through = attempt.own_through;
  done = std::exchange(attempt.waiters, nullptr);
  for (Wait* wait = done; wait != nullptr; wait = wait->next) {
    if (wait->next != nullptr) {
      wait->outcome = outcome;  // NOLINT(bugprone-use-after-move): only the last is given it
    } else {
      wait->outcome = std::move(outcome);
    }
    const bool needs_value = !wait->block->check || wait->outcome.transient;
    if (!needs_value && wait->outcome.value.ok()) wait->outcome.value = ValueRef();
    if (wait->registers && !wait->outcome.failed()) {
      node.dependents.push_back(wait->block->owner->node.id);
    }
    wait->stage.store(Wait::Stage::kDone, std::memory_order_release);
  }
}

void Engine::resume_done(Wait* done) {
  Starts ready;
  while (done != nullptr) {
    Wait* wait = std::exchange(done, done->next);
    WaitBlock* block = wait->block;
    if (block->arrive(*wait)) ready.push_back(block->waiter);
    block->unref();
  }
  launch(std::move(ready), false);
}

}  // namespace kiln::graph
