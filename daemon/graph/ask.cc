// Asking for nodes: answered at once, joining who is at work on it, or starting an attempt.
#include "daemon/graph/engine.h"
#include "daemon/graph/trampoline.h"

namespace kiln::graph {

Error cancelled_error() {
  return user_error(ErrorCode::kCancelled, "cancelled: nobody waits for this any more");
}

namespace {

Outcome failed_outcome(Error error) {
  Outcome outcome;
  outcome.error = std::move(error);
  return outcome;
}

void note_read(Attempt& attempt, uint32_t slot, const Outcome& outcome) {
  attempt.reads[slot].edge.generation = outcome.generation;
  attempt.reads_through = std::min(attempt.reads_through, outcome.good_through);
  attempt.reads_transient |= outcome.transient;
  attempt.group_closed = true;
}

}  // namespace

std::optional<Error> Engine::reserve(Attempt& attempt, std::span<Node* const> targets,
                                     std::span<Place> places, const std::vector<bool>& tolerated) {
  counters_.add(Count::kRequests, static_cast<int64_t>(targets.size()));
  Node& node = attempt.node;
  NodeGuard guard(node.lock);
  if (attempt.abandoned) return cancelled_error();
  if (attempt.foreseen != nullptr) {
    for (size_t i = 0; i < targets.size(); ++i) {
      const Outcome* foreseen = attempt.foresees(targets[i]->id);
      if (foreseen == nullptr || !foreseen->error) continue;
      if (!tolerated.empty() && tolerated[i]) continue;
      attempt.saw_error = true;
      return foreseen->error;
    }
  }
  const bool opens_group = std::exchange(attempt.group_closed, false);
  for (size_t i = 0; i < targets.size(); ++i) {
    const size_t slot = attempt.reads.size();
    Read read;
    read.edge.node = targets[i]->id;
    read.edge.opens_group = opens_group && i == 0 ? 1 : 0;
    read.borrowed = slot < node.deps.size() && node.deps[slot].node == targets[i]->id;
    attempt.reads.push_back(read);
    places[i] = {static_cast<uint32_t>(slot), !read.borrowed, attempt.newest_run};
  }
  return std::nullopt;
}

Outcome Engine::clean_outcome(Node& node, bool with_value) {
  Outcome outcome;
  if (with_value) outcome.value = node.value;
  outcome.generation = node.generation;
  outcome.good_through = node.good_through;
  outcome.transient = node.transient;
  return outcome;
}

std::optional<Outcome> Engine::answer_at_hand(Attempt& attempt, Node& target, const Place& place) {
  std::optional<Outcome> outcome;
  const Outcome* foreseen = attempt.foresees(target.id);
  {
    NodeGuard guard(target.lock);
    if (foreseen != nullptr) {
      outcome = *foreseen;
    } else if (target.clean_for(place.run) && target.value) {
      outcome = clean_outcome(target, true);
      target.used = true;
    } else {
      return std::nullopt;
    }
    if (place.registers) target.dependents.push_back(attempt.node.id);
  }
  counters_.add(Count::kCleanHits);
  note_read(attempt, place.slot, *outcome);
  return outcome;
}

WaitBlock* Engine::open_block(Attempt& attempt, std::span<Node* const> targets,
                              std::span<const Place> places) {
  WaitBlock* block = WaitBlock::make(targets.size(), &attempt, places.front().run);
  for (size_t i = 0; i < targets.size(); ++i) {
    Wait& wait = block->waits()[i];
    wait.target = targets[i];
    wait.slot = places[i].slot;
    wait.registers = places[i].registers;
  }
  NodeGuard guard(attempt.node.lock);
  attempt.link(*block);
  return block;
}

bool Engine::suspend(WaitBlock& block, std::coroutine_handle<> waiter) {
  block.waiter = waiter;
  const bool from_outside = block.owner == nullptr;
  if (!from_outside && !block.check) stop_clock(*block.owner);
  Starts starts;
  for (Wait& wait : block.waits()) ask(wait, starts);
  if (!from_outside) {
    // Whoever abandons us ends the waits that he sees; the others are ours to end.
    bool abandoned = false;
    {
      NodeGuard guard(block.owner->node.lock);
      abandoned = block.owner->abandoned;
    }
    if (abandoned) leave(block, Leaving::kCancelled);
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
  auto* attempt = new Attempt(*this, node, node.state, block);
  node.enter(State::kRunning);
  node.work.attempt = attempt;  // which has taken over what was there
  wait.started = true;
  attempt->needs_value = !block.check;
  attempt->link(wait);
  live_.enter(node.id, attempt->party);
  return drive_handle(*attempt);
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
  if (!attempt.stop) attempt.stop.emplace();
  if (attempt.abandoned) attempt.stop->request_stop();
  return attempt.stop->get_token();
}

}  // namespace kiln::graph
