// Re-checking: did a dependency change since the value was computed?
#include <algorithm>

#include "daemon/graph/engine.h"

namespace kiln::graph {

// What the re-check of a node's dependencies came to.
struct Engine::Verdict {
  NodeId changed = 0;  // the first that is not what it was; 0: all are
  Attempt::Foreseen foreseen;
  RunId good_through = kEveryRun;
  bool transient = false;
};

// The recorded dependencies of a node, a few at a time: once the attempt is abandoned those of the
// node may change, and a copy of them all may be long.
class Engine::Recorded {
 public:
  explicit Recorded(Attempt& attempt) : attempt_(attempt) {}

  // Goes on to the next group; false if there is none.
  bool next_group() {
    begins_ = true;
    return fill();
  }
  // More of the group; nothing at its end.
  std::span<const Edge> more() {
    if (!fill() || (!begins_ && few_[next_].opens_group != 0)) return {};
    begins_ = false;
    const size_t first = next_++;
    while (next_ < few_.size() && few_[next_].opens_group == 0) ++next_;
    return {few_.data() + first, next_ - first};
  }

 private:
  static constexpr size_t kFew = 512;

  bool fill() {
    if (next_ < few_.size()) return true;
    seen_ += few_.size();
    few_.clear();
    next_ = 0;
    Node& node = attempt_.node;
    NodeGuard guard(node.lock);
    if (attempt_.abandoned.load(std::memory_order_relaxed)) return false;
    const size_t count = seen_ < node.deps.size() ? std::min(kFew, node.deps.size() - seen_) : 0;
    few_.assign(node.deps.data() + seen_, node.deps.data() + seen_ + count);
    return count > 0;
  }

  Attempt& attempt_;
  Edges few_;
  size_t next_ = 0;  // of the few
  size_t seen_ = 0;  // before the few
  bool begins_ = true;
};

// Group by group: what the function would ask for next is what is checked next, so nothing runs
// here that the function, if it ran, would not ask for as well.
Task<Engine::Next> Engine::recheck(Attempt& attempt) {
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
  RunId run;
  {
    NodeGuard guard(attempt.node.lock);
    run = attempt.newest_run;
  }
  Recorded recorded(attempt);
  while (verdict.changed == 0 && recorded.next_group()) {
    Edges open;
    for (auto edges = recorded.more(); !edges.empty(); edges = recorded.more()) {
      compare(edges, run, verdict, open);
      if (verdict.changed != 0) break;
    }
    if (open.empty()) continue;
    // One that is open and comes before it may have changed too.
    const NodeId changed_later = std::exchange(verdict.changed, 0);
    WaitBlock* block = open_check(attempt, open, run);
    co_await Suspension{*this, *block};
    judge(open, *block, verdict);
    block->unref();
    if (verdict.changed == 0) verdict.changed = changed_later;
  }
  co_return settle_checked(attempt, std::move(verdict));
}

// Compares dependencies of a group, as far as the first that changed. `open` gets those of which
// nothing is known now.
void Engine::compare(std::span<const Edge> edges, RunId run, Verdict& verdict, Edges& open) {
  for (const Edge& edge : edges) {
    if (table_.steady(edge.node) == edge.generation) continue;
    Node& dep = table_.at(edge.node);
    NodeGuard guard(dep.lock);
    if (!dep.clean_for(run)) {
      open.push_back(edge);
      continue;
    }
    verdict.good_through = std::min(verdict.good_through, dep.good_through);
    if (dep.generation != edge.generation) {
      verdict.changed = edge.node;
      break;
    }
  }
}

WaitBlock* Engine::open_check(Attempt& attempt, std::span<const Edge> open, RunId run) {
  WaitBlock* block = WaitBlock::make(open.size(), &attempt, run);
  block->check = true;
  for (size_t i = 0; i < open.size(); ++i) block->first()[i].target = &table_.at(open[i].node);
  NodeGuard guard(attempt.node.lock);
  attempt.link(*block);
  return block;
}

void Engine::judge(std::span<const Edge> open, WaitBlock& block, Verdict& verdict) {
  for (size_t i = 0; i < open.size(); ++i) {
    const Wait& wait = block.first()[i];
    const Outcome& outcome = wait.outcome;
    const bool done = wait.stage.load(std::memory_order_acquire) == Wait::Stage::kDone;
    const bool same = done && !outcome.failed() && outcome.generation == open[i].generation;
    if (!same && verdict.changed == 0) verdict.changed = open[i].node;
    verdict.good_through = std::min(verdict.good_through, outcome.good_through);
    verdict.transient |= outcome.transient;
    const Result<ValueRef>& value = outcome.value;
    const bool worth_keeping =
        value.ok() ? outcome.transient && *value : value.error().code() != ErrorCode::kCancelled;
    if (worth_keeping) {
      verdict.foreseen.emplace(open[i].node, outcome);
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
      if (!verdict.foreseen.empty()) {
        attempt.foreseen = std::make_unique<Attempt::Foreseen>(std::move(verdict.foreseen));
      }
      start_function(node, attempt, RunReason::kInputChanged, verdict.changed);
      return Next::kRun;
    }
    attempt.reads_transient = verdict.transient;
    const bool stale = is_stale(node, attempt);
    if (!stale) {
      node.good_through = std::min(attempt.own_through, verdict.good_through);
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
      enter(node, State::kClean);
      if (attempt.needs_value) node.used = true;
      finish(node, attempt, clean_outcome(node, attempt.needs_value), done);
    }
    attempt.restarts += stale ? 1 : 0;
  }
  if (done == nullptr) return repeat(attempt);
  resume_done(done);
  return Next::kEnd;
}

}  // namespace kiln::graph
