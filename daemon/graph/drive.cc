// What an attempt does: re-check the recorded dependencies, run the function if one of them
// changed, and answer; again, while invalidations come in between.
#include <algorithm>
#include <string>

#include "daemon/graph/engine.h"
#include "daemon/graph/trampoline.h"

namespace kiln::graph {

namespace {

// An error that passes through a very deep graph keeps its innermost frames.
constexpr size_t kMaxFrames = 32;

// The reads that were answered, as dependencies to record.
Edges edges_of(const std::vector<Read>& reads) {
  Edges edges;
  edges.reserve(reads.size());
  bool opens = false;
  for (const Read& read : reads) {
    opens |= read.edge.opens_group != 0;
    if (read.edge.generation == 0) continue;
    edges.push_back(read.edge);
    edges.back().opens_group = opens ? 1 : 0;
    opens = false;
  }
  return edges;
}

}  // namespace

// What the re-check of a node's dependencies came to.
struct Engine::Verdict {
  NodeId changed = 0;  // the first that is not what it was; 0: all are
  absl::flat_hash_map<NodeId, Outcome> foreseen;
  RunId good_through = kEveryRun;
  bool transient = false;
};

// Owns itself: starts when resumed, and its frame goes when it ends.
struct Engine::Driver {
  struct promise_type {
    static void* operator new(size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept {
      frame_pool::deallocate(frame, bytes);
    }
    Driver get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

std::coroutine_handle<> Engine::drive_handle(Attempt& attempt) { return drive(attempt).handle; }

Engine::Driver Engine::drive(Attempt& attempt) {
  Engine& engine = attempt.engine;
  const Node& node = attempt.node;
  Next next = engine.begin(attempt);
  while (next != Next::kEnd) {
    if (next == Next::kCheck) {
      next = engine.settle_checked(attempt, co_await engine.recheck(attempt));
      continue;
    }
    Result<Computed> computed =
        co_await node.key.function->compute(attempt.context, *node.key.input);
    next = computed.ok() ? engine.settle_computed(attempt, *std::move(computed))
                         : engine.settle_failed(attempt, computed.error());
  }
  delete &attempt;
  engine.live_.leave(node.id);
}

// Begins, or begins again: is there something to re-check, or must the function run?
Engine::Next Engine::begin(Attempt& attempt) {
  Node& node = attempt.node;
  NodeGuard guard(node.lock);
  if (attempt.abandoned) return Next::kEnd;
  if (attempt.hit && attempt.came_from == State::kClean) attempt.came_from = State::kDirty;
  attempt.hit = false;
  attempt.saw_error = false;
  attempt.reads_transient = false;
  attempt.epoch = epoch_.load(std::memory_order_acquire);
  attempt.foreseen.clear();
  if (node.generation == 0 || node.forced) {
    RunReason reason = node.forced ? RunReason::kInvalidated : RunReason::kFirstRun;
    if (node.failed) reason = RunReason::kFailedBefore;
    start_function(node, attempt, reason, 0);
    return Next::kRun;
  }
  if (node.validity == Validity::kNever || attempt.newest_run > node.own_through) {
    start_function(node, attempt, RunReason::kNewRun, 0);
    return Next::kRun;
  }
  const bool only_evicted = attempt.came_from == State::kClean && !node.transient &&
                            attempt.newest_run <= node.good_through;
  if (only_evicted && attempt.needs_value && !node.value) {
    start_function(node, attempt, RunReason::kEvicted, 0);
    return Next::kRun;
  }
  return Next::kCheck;
}

// May what the attempt has read be older than an invalidation?
bool Engine::is_stale(const Node& node, const Attempt& attempt) const {
  if (attempt.hit || node.forced) return true;
  // What a failed dependency read is not recorded, so no invalidation climbs through it; nor
  // through a transient value, which may have been made in spite of a failure.
  const bool untracked = attempt.saw_error || attempt.reads_transient;
  return untracked && epoch_.load(std::memory_order_acquire) != attempt.epoch;
}

void Engine::start_function(Node& node, Attempt& attempt, RunReason reason, NodeId changed) {
  node.reason = reason;
  node.changed = changed;
  attempt.was_forced = std::exchange(node.forced, false);
  attempt.ran = true;
  attempt.saw_error = false;
  attempt.group_closed = true;
  attempt.reads.clear();
  attempt.reads_through = kEveryRun;
  attempt.reads_transient = false;
  counters_.add(Count::kRan);
}

// Group by group: what the function would ask for next is what is checked next, so nothing runs
// here that the function, if it ran, would not ask for as well.
Task<Engine::Verdict> Engine::recheck(Attempt& attempt) {
  struct Suspension {
    Engine& engine;
    WaitBlock& block;
    bool await_ready() const noexcept { return false; }
    KILN_HANDS_OVER bool await_suspend(std::coroutine_handle<> waiter) {
      return engine.suspend(block, waiter);
    }
    void await_resume() { engine.collect(block); }
  };
  Verdict verdict;
  Edges deps;
  {
    NodeGuard guard(attempt.node.lock);
    deps = attempt.node.deps;
  }
  for (size_t i = 0; i < deps.size() && verdict.changed == 0;) {
    size_t end = i + 1;
    while (end < deps.size() && deps[end].opens_group == 0) ++end;
    if (WaitBlock* block = check_at_hand(attempt, {deps.data() + i, end - i}, verdict)) {
      verdict.changed = 0;  // perhaps an earlier one changed too
      co_await Suspension{*this, *block};
      judge({deps.data() + i, end - i}, *block, verdict);
      block->unref();
    }
    i = end;
  }
  co_return verdict;
}

// Notes the dependencies of this group that are at hand; a block for all of them, if some are not.
WaitBlock* Engine::check_at_hand(Attempt& attempt, std::span<const Edge> group, Verdict& verdict) {
  RunId run;
  {
    NodeGuard guard(attempt.node.lock);
    run = attempt.newest_run;
  }
  bool all = true;
  for (const Edge& edge : group) {
    Node& dep = table_.at(edge.node);
    NodeGuard guard(dep.lock);
    if (!dep.clean_for(run)) {
      all = false;
      break;
    }
    verdict.good_through = std::min(verdict.good_through, dep.good_through);
    if (dep.generation != edge.generation) {
      verdict.changed = edge.node;
      break;
    }
  }
  if (all) return nullptr;
  WaitBlock* block = WaitBlock::make(group.size(), &attempt, run);
  block->check = true;
  for (size_t i = 0; i < group.size(); ++i) block->first()[i].target = &table_.at(group[i].node);
  NodeGuard guard(attempt.node.lock);
  attempt.link(*block);
  return block;
}

void Engine::judge(std::span<const Edge> group, WaitBlock& block, Verdict& verdict) {
  for (size_t i = 0; i < group.size(); ++i) {
    const Wait& wait = block.first()[i];
    const Outcome& outcome = wait.outcome;
    const bool done = wait.stage.load(std::memory_order_acquire) == Wait::Stage::kDone;
    const bool same = done && !outcome.failed() && outcome.generation == group[i].generation;
    if (!same && verdict.changed == 0) verdict.changed = group[i].node;
    verdict.good_through = std::min(verdict.good_through, outcome.good_through);
    verdict.transient |= outcome.transient;
    const bool own_error = outcome.error && outcome.error->code() != ErrorCode::kCancelled;
    if (own_error || (outcome.transient && outcome.value)) {
      verdict.foreseen.emplace(group[i].node, outcome);
    }
  }
}

Engine::Next Engine::settle_checked(Attempt& attempt, Verdict verdict) {
  Node& node = attempt.node;
  Wait* done = nullptr;
  {
    NodeGuard guard(node.lock);
    if (attempt.abandoned) return Next::kEnd;
    if (verdict.changed != 0) {
      attempt.foreseen = std::move(verdict.foreseen);
      start_function(node, attempt, RunReason::kInputChanged, verdict.changed);
      return Next::kRun;
    }
    attempt.reads_transient = verdict.transient;
    const bool stale = is_stale(node, attempt);
    if (!stale) {
      node.good_through = std::min(node.own_through, verdict.good_through);
      node.transient = verdict.transient;
      attempt.came_from = State::kClean;
    }
    if (!stale && attempt.newest_run <= node.good_through) {
      if (attempt.needs_value && !node.value) {
        start_function(node, attempt, RunReason::kEvicted, 0);
        return Next::kRun;
      }
      counters_.add(Count::kCleaned);
      node.failed = false;
      node.enter(State::kClean);
      finish(node, attempt, clean_outcome(node, attempt.needs_value), done);
    }
    attempt.restarts += stale ? 1 : 0;
  }
  if (done == nullptr) return repeat(attempt);
  resume_done(done);
  return Next::kEnd;
}

// Invalidated, or joined by a newer run, before it could answer.
Engine::Next Engine::repeat(Attempt& attempt) {
  if (attempt.restarts <= options_.max_restarts) return begin(attempt);
  Node& node = attempt.node;
  std::string culprit;
  {
    NodeGuard guard(node.lock);
    culprit = table_.at(attempt.hit_by == 0 ? node.id : attempt.hit_by).key.describe();
  }
  fail(attempt,
       environment_error(ErrorCode::kFailedPrecondition,
                         culprit + " kept changing while " + node.key.describe() +
                             " was computed, " + std::to_string(options_.max_restarts + 1) +
                             " times: wait until it is quiet, then ask again"));
  return Next::kEnd;
}

Engine::Next Engine::settle_computed(Attempt& attempt, Computed computed) {
  KILN_CHECK(computed.value, "a function of the graph computed no value");
  Node& node = attempt.node;
  ValueRef old;
  {
    NodeGuard guard(node.lock);
    old = node.value;
  }
  // Without the lock: comparing may take long.
  const bool equal = old && old->equals(*computed.value);
  Edges retired;
  Wait* done = nullptr;
  bool abandoned = false;
  {
    NodeGuard guard(node.lock);
    abandoned = attempt.abandoned;
    if (!abandoned) {
      store(node, attempt, computed, old, equal, retired);
      const bool stale = is_stale(node, attempt);
      attempt.came_from = stale ? State::kDirty : State::kClean;
      attempt.restarts += stale ? 1 : 0;
      if (!stale && attempt.newest_run <= node.good_through) {
        node.enter(State::kClean);
        Outcome outcome = clean_outcome(node, true);
        outcome.ran = true;
        finish(node, attempt, outcome, done);
      }
    }
  }
  if (abandoned) {
    forget_reads(attempt);
    return Next::kEnd;
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
void Engine::store(Node& node, Attempt& attempt, Computed& computed, const ValueRef& old,
                   bool equal, Edges& retired) {
  Edges deps = edges_of(attempt.reads);
  for (size_t i = 0; i < node.deps.size(); ++i) {
    const bool kept = i < attempt.reads.size() && attempt.reads[i].borrowed &&
                      attempt.reads[i].edge.generation != 0;
    if (!kept) retired.push_back(node.deps[i]);
  }
  // An evicted value cannot be compared. A pure function of what it was a function of before gives
  // what it gave before; unless it was invalidated, and may have read either side of the change.
  const bool same_by_purity = !old && !attempt.was_forced && !node.forced && deps == node.deps &&
                              node.validity == Validity::kForever &&
                              computed.validity == Validity::kForever;
  if (node.generation != 0 && (equal || same_by_purity)) {
    counters_.add(Count::kCutOff);
  } else {
    ++node.generation;
  }
  counters_.add(Count::kEdges,
                static_cast<int64_t>(deps.size()) - static_cast<int64_t>(node.deps.size()));
  const int64_t old_bytes = node.value ? static_cast<int64_t>(node.value->bytes()) : 0;
  node.value = equal ? old : std::move(computed.value);
  counters_.add(Count::kValueBytes, static_cast<int64_t>(node.value->bytes()) - old_bytes);
  node.used = true;
  node.deps = std::move(deps);
  // Made in spite of an error, which is not remembered: so neither is this.
  node.validity = attempt.saw_error ? Validity::kNever : computed.validity;
  node.own_through = node.validity == Validity::kThisRun ? attempt.newest_run : kEveryRun;
  node.good_through = std::min(node.own_through, attempt.reads_through);
  node.transient = node.validity == Validity::kNever || attempt.reads_transient;
  node.failed = false;
  attempt.was_forced = false;
}

Engine::Next Engine::settle_failed(Attempt& attempt, Error error) {
  forget_reads(attempt);
  Node& node = attempt.node;
  bool stale = false;
  {
    NodeGuard guard(node.lock);
    if (attempt.abandoned) return Next::kEnd;
    stale = is_stale(node, attempt);
    if (stale) {
      // Failed by what it read then; it may not fail by what is there now.
      node.forced |= attempt.was_forced;
      ++attempt.restarts;
    }
  }
  if (stale) return repeat(attempt);
  if (attempt.saw_error && error.context().size() < kMaxFrames) {
    error = error.with_context("while computing " + node.key.describe());
  }
  fail(attempt, std::move(error));
  return Next::kEnd;
}

void Engine::fail(Attempt& attempt, Error error) {
  Node& node = attempt.node;
  Outcome outcome;
  outcome.error = std::move(error);
  outcome.ran = attempt.ran;
  Wait* done = nullptr;
  {
    NodeGuard guard(node.lock);
    if (attempt.abandoned) return;
    return_node(node, attempt);
    node.failed = true;
    finish(node, attempt, outcome, done);
  }
  resume_done(done);
}

// The attempt came to nothing: the node is what it was, or Dirty if that is not believed any more.
void Engine::return_node(Node& node, Attempt& attempt) {
  node.forced |= std::exchange(attempt.was_forced, false);
  State found = attempt.came_from;
  if (attempt.hit && found == State::kClean) found = State::kDirty;
  node.enter(found);
  node.attempt = nullptr;
}

// What the attempt read is not recorded.
void Engine::forget_reads(Attempt& attempt) {
  for (const Read& read : attempt.reads) {
    if (!read.registered()) continue;
    Node& dep = table_.at(read.edge.node);
    NodeGuard guard(dep.lock);
    dep.drop_dependent(attempt.node.id);
  }
  attempt.reads.clear();
}

// Hands the outcome to all who wait. `done` is the list of them, for resume_done().
void Engine::finish(Node& node, Attempt& attempt, const Outcome& outcome, Wait*& done) {
  node.attempt = nullptr;
  done = std::exchange(attempt.waiters, nullptr);
  for (Wait* wait = done; wait != nullptr; wait = wait->next) {
    wait->outcome = outcome;
    if (wait->block->check && !outcome.transient) wait->outcome.value = ValueRef();
    if (wait->registers && !outcome.failed()) {
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
    if (block->arrive(wait->outcome.failed())) ready.push_back(block->waiter);
    block->unref();
  }
  launch(std::move(ready), false);
}

}  // namespace kiln::graph
