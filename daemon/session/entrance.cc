#include "daemon/session/entrance.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>

#include "daemon/async/one_shot.h"
#include "daemon/async/when_all.h"

namespace kiln::session {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kSayAfter{3};
constexpr std::chrono::seconds kGiveUpAfter{30};

// A look at the root on a thread that may never come back from it.
class Entrance {
 public:
  Entrance(const Engine& engine, const Run& run)
      : engine_(engine), run_(run), state_(std::make_shared<State>(engine.home)) {}

  Task<Result<void>> pass(Executor& lane) {
    // The run may be over when the file system answers; the workspace is there still.
    lane.post([state = state_, workspace = intrinsics::WorkspaceRef(run_.workspace())] {
      const bool in_place = workspace->in_place();
      state->decide({workspace->check(), in_place});
    });
    const auto cancel = [this] {
      state_->decide({user_error(ErrorCode::kCancelled, "cancelled"), true});
    };
    const std::stop_callback<decltype(cancel)> on_cancel(run_.token(), cancel);
    auto [found, ticked] = co_await when_all(wait(), tick());
    if (found.root.ok() && !found.in_place) {
      engine_.files.look_again(engine_.graph, *run_.workspace());
    }
    co_return std::move(found.root);
  }

 private:
  struct Found {
    Result<void> root;
    bool in_place = true;
  };
  struct State {
    explicit State(Executor& executor) : home(executor) {}
    // The first counts.
    void decide(Found found) {
      if (decided.exchange(true)) return;
      home.post([this, found = std::move(found)]() mutable { answer.set(std::move(found)); });
    }
    Executor& home;
    std::atomic<bool> decided{false};
    OneShot<Found> answer;
  };

  Task<Found> wait() {
    Found found = co_await state_->answer;
    answered_.request_stop();
    co_return found;
  }

  Task<Result<void>> tick() {
    co_await until(Clock::now() + kSayAfter);
    if (answered_.stop_requested()) co_return Result<void>();
    const std::string what = engine_.files.served_by(*run_.workspace());
    engine_.events.message(run_.id(), SpanId(), trace::Level::kWarn,
                           "waiting for a file system that does not answer: " + what);
    co_await until(Clock::now() + (kGiveUpAfter - kSayAfter));
    state_->decide({environment_error(ErrorCode::kTimedOut,
                                      "the file system of the workspace has not answered for " +
                                          std::to_string(kGiveUpAfter.count()) + " s: " + what +
                                          "; ask again when what serves it is up"),
                    true});
    co_return Result<void>();
  }

  // Or until there is an answer.
  Task<void> until(Clock::time_point moment) {
    while (!answered_.stop_requested() && Clock::now() < moment) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - Clock::now());
      co_await engine_.changes.wait(engine_.changes.rung(), left, answered_.get_token());
    }
  }

  const Engine& engine_;
  const Run& run_;
  const std::shared_ptr<State> state_;
  std::stop_source answered_;
};

}  // namespace

Task<Result<void>> enter_workspace(const Engine& engine, const Run& run) {
  const intrinsics::Workspace* workspace = run.workspace();
  if (workspace == nullptr) co_return Result<void>();
  engine.files.learn_mounts(*workspace);
  Executor* lane = engine.files.lane_of(*workspace);
  if (lane == nullptr) co_return workspace->check();
  Entrance entrance(engine, run);
  co_return co_await entrance.pass(*lane);
}

}  // namespace kiln::session
