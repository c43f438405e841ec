// RecordingRunner: runs nothing. It records what it was asked and answers when the test says so.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "daemon/async/one_shot.h"
#include "daemon/exec/runner.h"

namespace kiln::test {

// Threads: thread-safe, but for the plain members: set them before anything runs.
class RecordingRunner final : public exec::ProcessRunner {
 public:
  explicit RecordingRunner(Executor& home) : home_(home) {}

  Task<Result<exec::RunResult>> run(const exec::RunRequest& request) override {
    ran_.with([&](auto& ran) { ran.push_back(request.process.description); });
    keep_ = request.keep;
    if (request.observer != nullptr) {
      request.observer->started("/sandbox");
      if (!output.empty()) {
        request.observer->output(exec::ProcessObserver::Stream::kStdout, output);
      }
    }
    if (waits) {
      auto answer = std::make_shared<OneShot<bool>>();
      pending_.with([&](auto& pending) { pending.push_back(answer); });
      const std::stop_callback killed(request.stop, [&] { finish(answer, false); });
      const bool ended = co_await *answer;
      co_await resume_on(home_);
      if (!ended) {
        killed_.fetch_add(1);
        co_return user_error(ErrorCode::kCancelled, "killed");
      }
    }
    co_return result;
  }

  // Lets the oldest that waits go on; false if there is none yet.
  bool finish_one() {
    const auto oldest = pending_.with([](auto& pending) -> std::shared_ptr<OneShot<bool>> {
      return pending.empty() ? nullptr : pending.front();
    });
    if (oldest == nullptr) return false;
    finish(oldest, true);
    return true;
  }
  std::vector<std::string> ran() const {
    return ran_.with([](const auto& ran) { return ran; });
  }
  size_t waiting() const {
    return pending_.with([](const auto& pending) { return pending.size(); });
  }
  int killed() const { return killed_.load(); }
  exec::KeepSandboxes keep() const { return keep_.load(); }

  bool waits = false;
  std::string output;
  exec::RunResult result;

 private:
  // Once for each: by the test, or by the one who cancels.
  void finish(std::shared_ptr<OneShot<bool>> answer, bool ended) {
    const size_t removed =
        pending_.with([&](auto& pending) { return std::erase(pending, answer); });
    if (removed != 0) answer->set(ended);
  }

  Executor& home_;
  Synchronized<std::vector<std::string>> ran_;
  Synchronized<std::deque<std::shared_ptr<OneShot<bool>>>> pending_;
  std::atomic<int> killed_{0};
  std::atomic<exec::KeepSandboxes> keep_{exec::KeepSandboxes::kNever};
};

}  // namespace kiln::test
