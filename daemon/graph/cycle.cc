// Who waits for whom: cycles are found at the moment they would close.
//
// Every attempt has a level, and one that waits for another has the smaller level. So a wait for an
// attempt of greater level cannot close a cycle, and an attempt that the asker starts gets the next
// level: both take no search. Otherwise what the target waits for, as far as its levels do not
// exceed the asker's, is searched for the asker. If it is not there, the target is raised over the
// asker by a leap, so that the asker's other descendants find the order as they need it.
//
// Waits for attempts that somebody else started are added under waits_, one at a time, so two
// threads cannot close two halves of a cycle unseen. Waits for what the asker starts need no lock:
// nothing that is new waits for anything.
#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <string>

#include "daemon/graph/engine.h"

namespace kiln::graph {

namespace {

constexpr uint64_t kLeap = uint64_t{1} << 32;

// A wait, seen from the one who waits.
struct Seen {
  Node* target;
  bool check;
};

// What the attempt of `node` waits for; nothing if its level is beyond `limit`.
void linked_waits(Node& node, uint64_t limit, std::vector<Seen>& seen) {
  NodeGuard guard(node.lock);
  if (node.state != State::kRunning) return;
  if (node.work.attempt->level.load(std::memory_order_relaxed) > limit) return;
  for (WaitBlock* block = node.work.attempt->blocks; block != nullptr; block = block->next) {
    for (const Wait& wait : block->waits()) {
      if (wait.stage.load(std::memory_order_acquire) == Wait::Stage::kLinked) {
        seen.push_back({wait.target, block->check});
      }
    }
  }
}

}  // namespace

// One step of a path through the waits: `node` waits for the next.
struct Engine::Step {
  Node* node;
  bool check;  // only to re-check an old dependency
};

// The path from `from` to `to`, both included; empty if there is none.
std::vector<Engine::Step> Engine::find_path(Node& from, const Node& to, uint64_t limit) {
  absl::flat_hash_map<const Node*, Step> came_from;  // node -> who waits for it, and how
  std::vector<Node*> open{&from};
  std::vector<Seen> waits;
  came_from.emplace(&from, Step{nullptr, false});
  while (!open.empty() && !came_from.contains(&to)) {
    Node* node = open.back();
    open.pop_back();
    waits.clear();
    linked_waits(*node, limit, waits);
    for (const Seen& wait : waits) {
      if (came_from.emplace(wait.target, Step{node, wait.check}).second) {
        open.push_back(wait.target);
      }
    }
  }
  std::vector<Step> path;
  if (!came_from.contains(&to)) return path;
  Step step{const_cast<Node*>(&to), false};
  while (step.node != nullptr) {
    path.push_back(step);
    step = came_from.at(step.node);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

// Raises the attempt of `node` to `level`, and what it waits for above it.
void Engine::raise(Node& node, uint64_t level) {
  struct Raise {
    Wait* wait;  // null for the first
    Node* node;
    uint64_t level;
  };
  std::vector<Raise> open{{nullptr, &node, level}};
  std::vector<WaitBlock*> pinned;
  while (!open.empty()) {
    const Raise next = open.back();
    open.pop_back();
    NodeGuard guard(next.node->lock);
    if (next.node->state != State::kRunning) continue;
    // What is only intended will take its level from ours, which is set.
    if (next.wait != nullptr &&
        next.wait->stage.load(std::memory_order_acquire) != Wait::Stage::kLinked) {
      continue;
    }
    Attempt& attempt = *next.node->work.attempt;
    if (attempt.level.load(std::memory_order_relaxed) >= next.level) continue;
    attempt.level.store(next.level, std::memory_order_relaxed);
    const size_t first = pinned.size();
    take_blocks(attempt, pinned);
    for (size_t i = first; i < pinned.size(); ++i) {
      for (Wait& wait : pinned[i]->waits()) open.push_back({&wait, wait.target, next.level + 1});
    }
  }
  for (WaitBlock* block : pinned) block->unref();
}

// Who on a path that would become a cycle need not wait; null if there is nobody.
Node* Engine::may_yield(std::span<const Step> path) const {
  // It only waits for what it once depended on: it runs instead, and may not ask again.
  const auto checker =
      std::find_if(path.begin(), path.end(), [](const Step& step) { return step.check; });
  if (checker != path.end()) return checker->node;
  // It asked before the last invalidation, maybe for what it would not ask for now: it is to fail
  // by that, and begins anew since it has failed in a state that is gone.
  const uint64_t now = epoch_.load(std::memory_order_acquire);
  for (const Step& step : path.first(path.size() - 1)) {
    NodeGuard guard(step.node->lock);
    if (step.node->state == State::kRunning && step.node->work.attempt->epoch != now) {
      return step.node;
    }
  }
  return nullptr;
}

// False: the target is not at work any more; ask again. True: the wait is linked, or has its
// outcome and is not.
bool Engine::join_in_order(Wait& wait) {
  Attempt& asker = *wait.block->owner;
  Node& target = *wait.target;
  for (;;) {
    std::vector<WaitBlock*> giving_up;
    {
      MutexLock waits(waits_);
      const uint64_t level = asker.level.load(std::memory_order_relaxed);
      {
        NodeGuard guard(target.lock);
        if (target.state != State::kRunning) return false;
        if (target.work.attempt->level.load(std::memory_order_relaxed) > level) {
          join(wait, target);
          return true;
        }
      }
      const std::vector<Step> path = find_path(target, asker.node, level);
      if (path.empty()) {
        raise(target, level + kLeap);
        continue;
      }
      if (wait.block->check) {
        wait.outcome.gave_up = true;
        return true;
      }
      Node* yielding = may_yield(path);
      if (yielding == nullptr) {
        std::string message = "computations wait for one another: " + asker.node.key.describe();
        for (const Step& step : path) message += " → " + step.node->key.describe();
        wait.outcome.value = user_error(ErrorCode::kCycle, std::move(message));
        return true;
      }
      NodeGuard guard(yielding->lock);
      if (yielding->state == State::kRunning) take_blocks(*yielding->work.attempt, giving_up);
    }
    for (WaitBlock* block : giving_up) {
      leave(*block, block->check ? Leaving::kGaveUp : Leaving::kCancelled);
      block->unref();
    }
  }
}

}  // namespace kiln::graph
