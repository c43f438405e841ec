#include <optional>
#include <unordered_map>
#include <utility>

#include "daemon/async/one_shot.h"
#include "daemon/exec/runners.h"
#include "daemon/exec/slot_queue.h"

namespace kiln::exec {
namespace {

class BoundedRunner final : public ProcessRunner {
 public:
  BoundedRunner(ProcessRunner& inner, size_t slots, Executor& executor, Counters& counters,
                trace::Spans& spans)
      : inner_(inner),
        executor_(executor),
        spans_(spans),
        waiting_(counters["process.waiting"]),
        running_(counters["process.running"]),
        state_(slots) {}

  Task<Result<RunResult>> run(const RunRequest& request) override {
    if (!co_await acquire(request)) {
      co_return user_error(ErrorCode::kCancelled,
                           "the process was cancelled while it waited for a slot");
    }
    running_.add();
    auto result = co_await inner_.run(request);
    running_.add(-1);
    state_.with([&](State& state) {
      state.queue.finish(request.run);
      call(state);
    });
    co_return result;
  }

 private:
  using Turn = OneShot<bool>;  // whether the slot was given

  struct State {
    explicit State(size_t slots) : queue(slots) {}
    SlotQueue queue;
    std::unordered_map<SlotQueue::Ticket, Turn*> turns;  // of those that wait
  };

  // True with a slot; false if `stop` fired before there was one.
  Task<bool> acquire(const RunRequest& request) {
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
    co_return co_await turn;
  }

  // Hands out the slots that are free.
  void call(State& state) {
    while (const SlotQueue::Ticket ticket = state.queue.call_next()) give(state, ticket, true);
  }

  // Posted: whoever waits must not go on inside the lock, or on the thread of who cancels.
  void give(State& state, SlotQueue::Ticket ticket, bool slot) {
    const auto turn = state.turns.extract(ticket);
    waiting_.add(-1);
    executor_.post([waiter = turn.mapped(), slot] { waiter->set(slot); });
  }

  ProcessRunner& inner_;
  Executor& executor_;
  trace::Spans& spans_;
  Counter& waiting_;
  Counter& running_;
  Synchronized<State> state_;
};

}  // namespace

std::unique_ptr<ProcessRunner> make_bounded_runner(ProcessRunner& inner, size_t slots,
                                                   Executor& executor, Counters& counters,
                                                   trace::Spans& spans) {
  return std::make_unique<BoundedRunner>(inner, slots, executor, counters, spans);
}

}  // namespace kiln::exec
