#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/async/one_shot.h"
#include "daemon/exec/runners.h"
#include "daemon/exec/slot_queue.h"

namespace kiln::exec {
namespace {

class SlotRunner final : public BoundedRunner {
 public:
  SlotRunner(ProcessRunner& inner, size_t slots, Executor& executor, Counters& counters,
             trace::Spans& spans)
      : inner_(inner),
        executor_(executor),
        spans_(spans),
        waiting_(counters["process.waiting"]),
        running_(counters["process.running"]),
        lent_(counters["process.slots_lent"]),
        state_(slots) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    const SlotId slot = co_await acquire(request);
    if (slot == SlotId()) {
      co_return user_error(ErrorCode::kCancelled,
                           "the process was cancelled while it waited for a slot");
    }
    RunRequest with_slot = request;
    with_slot.slot = slot;
    with_slot.slot_number = state_.with([](State& state) { return state.take_number(); });
    running_.add();
    auto result = co_await inner_.run(with_slot);
    running_.add(-1);
    state_.with([&](State& state) {
      state.numbers[with_slot.slot_number - 1] = false;
      const auto holder = state.holders.extract(slot.value);
      const bool lent = holder.mapped().loans > 0;
      if (lent) lent_.add(-1);
      state.queue.finish(request.run, lent);
      call(state);
    });
    co_return result;
  }

  std::shared_ptr<void> lend(SlotId slot) override {
    const bool held = state_.with([&](State& state) {
      const auto holder = state.holders.find(slot.value);
      if (holder == state.holders.end()) return false;
      if (holder->second.loans++ == 0) {
        lent_.add();
        state.queue.lend();
        call(state);
      }
      return true;
    });
    if (!held) return nullptr;
    return std::shared_ptr<void>(
        this, [slot](void* self) { static_cast<SlotRunner*>(self)->take_back(slot); });
  }

 private:
  using Turn = OneShot<bool>;  // whether the slot was given
  struct Holder {
    size_t loans = 0;  // the slot is lent while there are any
  };

  struct State {
    explicit State(size_t slots) : queue(slots) {}
    SlotQueue queue;
    std::unordered_map<SlotQueue::Ticket, Turn*> turns;     // of those that wait
    std::unordered_map<SlotQueue::Ticket, Holder> holders;  // of those that have a slot
    std::vector<bool>
        numbers;  // from 1; true: in use. More than there are slots while some are lent

    size_t take_number() {
      const auto free = std::find(numbers.begin(), numbers.end(), false);
      const auto number = static_cast<size_t>(free - numbers.begin()) + 1;
      if (free == numbers.end()) numbers.push_back(true);
      numbers[number - 1] = true;
      return number;
    }
  };

  void take_back(SlotId slot) {
    state_.with([&](State& state) {
      const auto holder = state.holders.find(slot.value);
      if (holder == state.holders.end()) return;  // its process has ended meanwhile
      if (--holder->second.loans > 0) return;
      lent_.add(-1);
      state.queue.take_back();
    });
  }

  // A slot; of value 0 if `stop` fired before there was one.
  Task<SlotId> acquire(const RunRequest& request) {
    Turn turn;
    const auto [ticket, waits] = state_.with([&](State& state) {
      const SlotQueue::Ticket mine = state.queue.enter(request.run);
      state.turns.emplace(mine, &turn);
      waiting_.add();
      call(state);
      return std::pair(mine, state.turns.contains(mine));
    });
    std::optional<trace::Part> wait;
    if (waits) wait.emplace(spans_, request.span, "wait_for_slot", "waiting for a slot");
    const std::stop_callback leave(request.stop, [&, mine = ticket] {
      state_.with([&](State& state) {
        if (state.queue.leave(request.run, mine)) give(state, mine, false);
      });
    });
    const bool given = co_await turn;
    co_return given ? SlotId{ticket} : SlotId();
  }

  // Hands out the slots that are free.
  void call(State& state) {
    while (const SlotQueue::Ticket ticket = state.queue.call_next()) give(state, ticket, true);
  }

  // Posted: whoever waits must not go on inside the lock, or on the thread of who cancels.
  void give(State& state, SlotQueue::Ticket ticket, bool slot) {
    const auto turn = state.turns.extract(ticket);
    if (slot) state.holders.emplace(ticket, Holder());
    waiting_.add(-1);
    executor_.post([waiter = turn.mapped(), slot] { waiter->set(slot); });
  }

  ProcessRunner& inner_;
  Executor& executor_;
  trace::Spans& spans_;
  Counter& waiting_;
  Counter& running_;
  Counter& lent_;
  Synchronized<State> state_;
};

}  // namespace

std::unique_ptr<BoundedRunner> make_bounded_runner(ProcessRunner& inner, size_t slots,
                                                   Executor& executor, Counters& counters,
                                                   trace::Spans& spans) {
  return std::make_unique<SlotRunner>(inner, slots, executor, counters, spans);
}

}  // namespace kiln::exec
