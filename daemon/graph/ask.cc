// Asking for nodes: answered at once, joining who is at work on it, or starting an attempt.
#include "daemon/graph/engine.h"
#include "daemon/graph/trampoline.h"

namespace kiln::graph {

namespace {

Outcome failed_outcome(Error error) {
  Outcome outcome;
  outcome.value = std::move(error);
  return outcome;
}

void note_read(Attempt& attempt, uint32_t slot, const Outcome& outcome) {
  attempt.reads[slot].generation = outcome.generation;
  attempt.reads_through = std::min(attempt.reads_through, outcome.good_through);
  attempt.reads_transient |= outcome.transient;
  attempt.group_closed = true;
}

}  // namespace

ValueRef Engine::value_at_hand(Attempt& attempt, Node& target) {
  // Whoever is not Clean for every run takes the way of open_block().
  if (table_.steady(target.id) == 0 || attempt.foreseen != nullptr) return {};
  Read read;
  read.node = target.id;
  if (attempt.came_from != State::kIdle) {  // else nothing is recorded yet
    NodeGuard guard(attempt.node.lock);
    read.borrowed = attempt.node.records(attempt.reads.size(), target.id) ? 1 : 0;
  }
  if (attempt.abandoned.load(std::memory_order_relaxed)) return {};
  ValueRef value;
  {
    NodeGuard guard(target.lock);
    if (!target.clean_for(kEveryRun) || !target.value) return {};
    value = target.value;
    read.generation = target.generation;
    target.used = true;
    if (read.borrowed == 0) target.dependents.push_back(attempt.node.id);
  }
  counters_.add(Count::kAtHand);
  read.opens_group = attempt.group_closed ? 1 : 0;
  attempt.group_closed = true;
  attempt.reads.push_back(read);
  return value;
}

Result<WaitBlock*> Engine::open_block(Attempt& attempt, std::span<Node* const> targets,
                                      const std::vector<bool>& tolerated) {
  counters_.add(Count::kRequests, static_cast<int64_t>(targets.size()));
  if (attempt.foreseen != nullptr) {
    for (size_t i = 0; i < targets.size(); ++i) {
      const Outcome* foreseen = attempt.foresees(targets[i]->id);
      if (foreseen == nullptr || foreseen->value.ok()) continue;
      if (!tolerated.empty() && tolerated[i]) continue;
      attempt.saw_error = true;
      return foreseen->value.error();
    }
  }
  WaitBlock* block = WaitBlock::make(targets.size(), &attempt, attempt.run);
  const size_t first_slot = attempt.reads.size();
  bool opens_group = std::exchange(attempt.group_closed, false);
  for (size_t i = 0; i < targets.size(); ++i) {
    Wait& wait = block->waits()[i];
    wait.target = targets[i];
    wait.slot = static_cast<uint32_t>(first_slot + i);
    wait.tolerated = !tolerated.empty() && tolerated[i];
    Read read;
    read.node = targets[i]->id;
    read.opens_group = std::exchange(opens_group, false) ? 1 : 0;
    attempt.reads.push_back(read);
  }
  NodeGuard guard(attempt.node.lock);
  if (attempt.abandoned.load(std::memory_order_relaxed)) {
    block->unref();
    return cancelled_error();
  }
  for (Wait& wait : block->waits()) {
    const bool borrowed = attempt.node.records(wait.slot, wait.target->id);
    attempt.reads[wait.slot].borrowed = borrowed ? 1 : 0;
    wait.registers = !borrowed;
  }
  block->run = attempt.newest_run;
  attempt.link(*block);
  return block;
}

Outcome Engine::clean_outcome(Node& node, bool with_value) {
  Outcome outcome;
  if (with_value) outcome.value = node.value;
  outcome.generation = node.generation;
  outcome.good_through = node.good_through;
  outcome.transient = node.transient;
  return outcome;
}

bool Engine::suspend(WaitBlock& block, std::coroutine_handle<> waiter) {
  block.waiter = waiter;
  const bool from_outside = block.owner == nullptr;
  if (!from_outside && !block.check) stop_clock(*block.owner);
  Starts starts;
  for (Wait& wait : block.waits()) ask(wait, starts);
  if (!from_outside) {
    // Whoever abandons us ends the waits that he sees; the others are ours to end. He has not seen
    // those for whose target he took the lock before us: so we see what he did before that.
    if (block.owner->abandoned.load(std::memory_order_relaxed)) leave(block, Leaving::kCancelled);
  } else if (block.origin->stop.stop_requested()) {
    leave(block, Leaving::kCancelled);
  }
  const bool done = block.release();
  // If not done, block and coroutine may be gone.
  launch(std::move(starts), from_outside);
  return !done;
}

void Engine::launch(Starts starts, bool from_outside) {
  if (starts.empty()) return;
  if (starts.size() == 1) {
    from_outside ? trampoline::resume_on(executor_, starts[0]) : trampoline::resume(starts[0]);
    return;
  }
  trampoline::resume_all(executor_, {starts.begin(), starts.end()});
}

void Engine::ask(Wait& wait, Starts& starts) {
  Node& node = *wait.target;
  for (;;) {
    {
      NodeGuard guard(node.lock);
      if (answer_if_clean(wait, node)) break;
      if (node.gone) {
        // Only an abandoned attempt may still re-check what is forgotten.
        wait.outcome.gave_up = true;
        break;
      }
      if (node.state != State::kRunning) {
        if (const auto handle = start(wait, node)) {
          starts.push_back(handle);
          return;
        }
        break;
      }
      if (wait.block->owner == nullptr) {
        join(wait, node);
        return;
      }
    }
    // Only now and then: the attempt may be waiting for the asker.
    if (join_in_order(wait)) {
      if (wait.stage.load(std::memory_order_acquire) == Wait::Stage::kIntended) break;
      return;
    }
  }
  // Answered at once: it was never linked.
  wait.stage.store(Wait::Stage::kDone, std::memory_order_release);
  wait.block->arrive(wait);
}

bool Engine::answer_if_clean(Wait& wait, Node& node) {
  const bool check = wait.block->check;
  const Attempt* asker = wait.block->owner;
  const Outcome* foreseen = asker == nullptr || check ? nullptr : asker->foresees(node.id);
  if (foreseen != nullptr) {
    wait.outcome = *foreseen;
  } else if (node.clean_for(wait.block->run) && (check || node.value)) {
    wait.outcome = clean_outcome(node, !check);
    if (!check) node.used = true;
  } else {
    return false;
  }
  if (wait.registers && !wait.outcome.failed()) node.dependents.push_back(asker->node.id);
  if (!check) counters_.add(Count::kCleanHits);
  return true;
}

std::coroutine_handle<> Engine::start(Wait& wait, Node& node) {
  if (closing_.load(std::memory_order_acquire)) {
    wait.outcome = failed_outcome(cancelled_error());
    return {};
  }
  const WaitBlock& block = *wait.block;
  const auto [attempt, handle] = make_attempt(node, node.state, block);
  enter(node, State::kRunning);
  node.work.attempt = &attempt;  // which has taken over what was there
  wait.started = true;
  attempt.needs_value = !block.check;
  attempt.link(wait);
  live_.enter(attempt.party);
  return handle;
}

void Engine::join(Wait& wait, Node& node) {
  Attempt& attempt = *node.work.attempt;
  attempt.newest_run = std::max(attempt.newest_run, wait.block->run);
  attempt.needs_value |= !wait.block->check;
  attempt.link(wait);
  if (!wait.block->check) counters_.add(Count::kJoined);
}

void Engine::collect(WaitBlock& block) {
  leave(block, Leaving::kCancelled);
  if (block.owner == nullptr) return;
  Attempt& attempt = *block.owner;
  {
    NodeGuard guard(attempt.node.lock);
    attempt.unlink(block);
  }
  if (block.check) return;
  start_clock(attempt);
  for (const Wait& wait : block.waits()) {
    if (wait.stage.load(std::memory_order_acquire) != Wait::Stage::kDone) continue;
    if (wait.outcome.failed()) {
      attempt.saw_error = true;
    } else {
      note_read(attempt, wait.slot, wait.outcome);
    }
  }
}

std::stop_token Engine::stop_token_of(Attempt& attempt) {
  NodeGuard guard(attempt.node.lock);
  if (!attempt.stop.stop_possible()) attempt.stop = std::stop_source();
  if (attempt.abandoned) attempt.stop.request_stop();
  return attempt.stop.get_token();
}

}  // namespace kiln::graph
