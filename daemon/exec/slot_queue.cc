#include "daemon/exec/slot_queue.h"

#include <algorithm>
#include <tuple>

#include "common/base/check.h"

namespace kiln::exec {

SlotQueue::Ticket SlotQueue::enter(RunId run) {
  const auto [at, came] = runs_.try_emplace(run);
  if (came) at->second.served = clock_ - 1;
  at->second.waiting.push_back(++last_ticket_);
  ++waiting_;
  return last_ticket_;
}

bool SlotQueue::leave(RunId run, Ticket ticket) {
  const auto it = runs_.find(run);
  if (it == runs_.end()) return false;
  auto& waiting = it->second.waiting;
  const auto at = std::lower_bound(waiting.begin(), waiting.end(), ticket);
  if (at == waiting.end() || *at != ticket) return false;
  waiting.erase(at);
  --waiting_;
  drop_if_idle(it);
  return true;
}

SlotQueue::Ticket SlotQueue::call_next() {
  if (free_ <= 0 || waiting_ == 0) return 0;
  const auto rank = [](const Run& run) {
    return std::tuple(run.running, run.served, run.waiting.front());
  };
  Run* next = nullptr;
  for (auto& [id, run] : runs_) {
    if (run.waiting.empty()) continue;
    if (next == nullptr || rank(run) < rank(*next)) next = &run;
  }
  KILN_CHECK(next != nullptr, "somebody waits, but in no run");
  const Ticket ticket = next->waiting.front();
  next->waiting.pop_front();
  ++next->running;
  next->served = clock_ += 2;
  --waiting_;
  --free_;
  return ticket;
}

void SlotQueue::finish(RunId run, bool lent) {
  const auto it = runs_.find(run);
  KILN_CHECK(it != runs_.end() && it->second.running > 0, "a slot given back twice");
  --it->second.running;
  if (!lent) ++free_;
  drop_if_idle(it);
}

void SlotQueue::drop_if_idle(Runs::iterator run) {
  if (run->second.running == 0 && run->second.waiting.empty()) runs_.erase(run);
}

}  // namespace kiln::exec
