// What an attempt does: re-check the recorded dependencies (recheck.cc), run the function if one
// of them changed, and answer (settle.cc); again, while invalidations come in between.
#include <string>

#include "daemon/async/frame_pool.h"
#include "daemon/async/suspend.h"
#include "daemon/graph/engine.h"

namespace kiln::graph {

// The coroutine of an attempt. It owns itself: begins when resumed, and goes when it ends.
struct Engine::Driver {
  struct End;
  struct promise_type final : Attempt {
    using Attempt::Attempt;
    static void* operator new(size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept {
      frame_pool::deallocate(frame, bytes);
    }
    Driver get_return_object() { return {*this}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    End final_suspend() noexcept;
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  // co_await Self(): the attempt whose coroutine this is.
  struct Self {
    Attempt* attempt = nullptr;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(Handle handle) noexcept {
      attempt = &handle.promise();
      return false;
    }
    Attempt& await_resume() const noexcept { return *attempt; }
  };
  // co_await Computing(attempt): the function runs, and what it computed is settled; not in
  // drive(), whose frame would have to hold it.
  class Computing {
   public:
    explicit Computing(Attempt& attempt) : attempt_(attempt) {
      Engine& engine = attempt.engine;
      if (engine.options_.observer != nullptr) [[unlikely]]
        engine.tell_start(attempt);
      engine.start_clock(attempt);
      const Key& key = attempt.node.key;
      function_ = key.function->compute(attempt.context, *key.input);
    }
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> handle) noexcept {
      return std::move(function_).operator co_await().await_suspend(handle);
    }
    Next await_resume() {
      Result<Computed> computed = std::move(function_).operator co_await().await_resume();
      function_ = {};  // its frame is the next that is needed
      Engine& engine = attempt_.engine;
      engine.stop_clock(attempt_);
      return computed.ok() ? engine.settle_computed(attempt_, *std::move(computed))
                           : engine.settle_failed(attempt_, computed.error());
    }

   private:
    Attempt& attempt_;
    Task<Result<Computed>> function_;
  };
  struct End {
    bool await_ready() const noexcept { return false; }
    KILN_HANDS_OVER void await_suspend(Handle handle) const noexcept {
      Engine& engine = handle.promise().engine;
      const Party party = handle.promise().party;
      handle.destroy();
      engine.live_.leave(party);
    }
    void await_resume() const noexcept {}
  };

  promise_type& promise;
};

Engine::Driver::End Engine::Driver::promise_type::final_suspend() noexcept { return {}; }

Engine::Driven Engine::make_attempt(Node& node, State found, const WaitBlock& asked_by) {
  Driver::promise_type& attempt = drive(*this, node, found, asked_by).promise;
  return {attempt, Driver::Handle::from_promise(attempt)};
}

Engine::Driver Engine::drive(Engine&, Node&, State, const WaitBlock&) {
  Attempt& attempt = co_await Driver::Self();
  Next next = attempt.engine.begin(attempt);
  while (next != Next::kEnd) {
    if (next == Next::kCheck) {
      next = co_await attempt.engine.recheck(attempt);
    } else {
      next = co_await Driver::Computing(attempt);
    }
  }
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
  attempt.foreseen.reset();
  if (node.generation == 0 || node.forced) {
    RunReason reason = node.forced ? RunReason::kInvalidated : RunReason::kFirstRun;
    if (node.failed) reason = RunReason::kFailedBefore;
    start_function(node, attempt, reason, 0);
    return Next::kRun;
  }
  if (node.validity == Validity::kNever || attempt.newest_run > attempt.own_through) {
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
  node.reason = attempt.reason = reason;
  attempt.changed = changed;
  if (changed != 0) {
    for (Edge& edge : node.deps) edge.changed = edge.node == changed ? 1 : 0;
  }
  attempt.begun_for = attempt.newest_run;
  attempt.was_forced = node.forced;
  node.forced = false;
  attempt.ran = true;
  attempt.saw_error = false;
  attempt.group_closed = true;
  attempt.reads.clear();
  attempt.reads_through = kEveryRun;
  attempt.reads_transient = false;
  attempt.worked = 0;
  counters_.add(Count::kRan);
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

}  // namespace kiln::graph
