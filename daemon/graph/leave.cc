// Losing interest: ending waits, and abandoning the attempts that nobody waits for any more.
#include "daemon/graph/engine.h"
#include "daemon/graph/trampoline.h"

namespace kiln::graph {

void Attempt::link(Wait& wait) {
  wait.block->ref();
  wait.previous = nullptr;
  wait.next = waiters;
  if (waiters != nullptr) waiters->previous = &wait;
  waiters = &wait;
  wait.stage.store(Wait::Stage::kLinked, std::memory_order_release);
}

void Attempt::unlink(Wait& wait) {
  (wait.previous != nullptr ? wait.previous->next : waiters) = wait.next;
  if (wait.next != nullptr) wait.next->previous = wait.previous;
}

void Attempt::link(WaitBlock& block) {
  block.next = blocks;
  if (blocks != nullptr) blocks->previous = &block;
  blocks = &block;
}

void Attempt::unlink(WaitBlock& block) {
  (block.previous != nullptr ? block.previous->next : blocks) = block.next;
  if (block.next != nullptr) block.next->previous = block.previous;
}

const Outcome* Attempt::foresees(NodeId dependency) const {
  if (foreseen == nullptr) return nullptr;
  const auto found = foreseen->find(dependency);
  return found == foreseen->end() ? nullptr : &found->second;
}

void Engine::take_blocks(Attempt& attempt, std::vector<WaitBlock*>& blocks) {
  for (WaitBlock* block = attempt.blocks; block != nullptr; block = block->next) {
    block->ref();
    blocks.push_back(block);
  }
}

// The node forgets its attempt. What the attempt waits for is left, by drain().
void Engine::abandon(Node& node, Leftovers& leftovers) {
  Attempt& attempt = *node.work.attempt;
  counters_.add(Count::kCancelled);
  attempt.abandoned = true;
  take_blocks(attempt, leftovers.blocks);
  if (attempt.stop.stop_possible()) leftovers.stops.push_back(attempt.stop);
  node.failed = true;
  return_node(node, attempt);
}

void Engine::leave(WaitBlock& block, Leaving how) {
  bool linked = false;
  for (Wait& wait : block.waits()) {
    linked |= wait.stage.load(std::memory_order_acquire) == Wait::Stage::kLinked;
  }
  if (!linked) return;
  Leftovers leftovers;
  block.ref();
  leftovers.blocks.push_back(&block);
  drain(std::move(leftovers), how);
}

// A loop, not a recursion: abandoning one attempt may abandon a long chain below it.
void Engine::drain(Leftovers leftovers, Leaving how) {
  while (!leftovers.blocks.empty()) {
    WaitBlock* block = leftovers.blocks.back();
    leftovers.blocks.pop_back();
    for (Wait& wait : block->waits()) {
      Node& node = *wait.target;
      {
        NodeGuard guard(node.lock);
        if (wait.stage.load(std::memory_order_acquire) != Wait::Stage::kLinked) continue;
        Attempt& attempt = *node.work.attempt;
        attempt.unlink(wait);
        if (how == Leaving::kGaveUp) {
          wait.outcome.gave_up = true;
        } else {
          wait.outcome.value = cancelled_error();
        }
        wait.stage.store(Wait::Stage::kDone, std::memory_order_release);
        if (attempt.waiters == nullptr) abandon(node, leftovers);
      }
      if (block->arrive(wait)) leftovers.resumed.push_back(block->waiter);
      block->unref();
    }
    block->unref();
    how = Leaving::kCancelled;  // only the first block is the one that leaves by its own will
  }
  for (std::stop_source& stop : leftovers.stops) stop.request_stop();
  // Never here: the caller may be anyone's stop callback.
  for (const std::coroutine_handle<> handle : leftovers.resumed) {
    trampoline::resume_on(executor_, handle);
  }
}

}  // namespace kiln::graph
