#include "daemon/intrinsics/files/change_bell.h"

#include <algorithm>
#include <utility>

namespace kiln::intrinsics {

void ChangeBell::ring() {
  Waiters woken = state_.with([](State& state) {
    ++state.rung;
    return std::exchange(state.waiters, {});
  });
  // Elsewhere: who rings holds the watcher.
  for (OneShot<bool>* waiter : woken) {
    home_.post([waiter] { waiter->set(true); });
  }
}

uint64_t ChangeBell::rung() const {
  return state_.with([](const State& state) { return state.rung; });
}

Task<void> ChangeBell::wait(uint64_t seen, std::stop_token stop) {
  OneShot<bool> woken;
  const bool waits = state_.with([&](State& state) {
    if (state.rung > seen) return false;
    state.waiters.push_back(&woken);
    return true;
  });
  if (!waits) co_return;
  const auto leave = [this, &woken] { this->leave(woken); };
  const std::stop_callback<decltype(leave)> on_stop(std::move(stop), leave);
  co_await woken;
}

void ChangeBell::leave(OneShot<bool>& waiter) {
  const bool waited = state_.with([&](State& state) {
    const auto it = std::find(state.waiters.begin(), state.waiters.end(), &waiter);
    if (it == state.waiters.end()) return false;
    state.waiters.erase(it);
    return true;
  });
  if (waited) home_.post([&waiter] { waiter.set(true); });
}

}  // namespace kiln::intrinsics
