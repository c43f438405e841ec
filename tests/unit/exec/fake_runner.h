// A runner that runs nothing: it records what it was asked and answers when the test says so.
#pragma once

#include <deque>
#include <vector>

#include "daemon/async/one_shot.h"
#include "daemon/exec/runner.h"

namespace kiln::exec {

// Single-owner: for tests on a ManualExecutor.
class FakeRunner final : public ProcessRunner {
 public:
  Task<Result<RunResult>> run(const RunRequest& request) override {
    started.push_back(request.process.description);
    slots.push_back(request.slot);
    if (waits) {
      auto answer = std::make_shared<OneShot<bool>>();
      pending.push_back(answer);
      co_await *answer;
    }
    if (failure) co_return *failure;
    co_return result;
  }
  // Lets the oldest go on.
  void finish_one() {
    auto answer = pending.front();
    pending.pop_front();
    answer->set(true);
  }

  bool waits = false;
  RunResult result;
  std::optional<Error> failure;
  std::vector<std::string> started;  // descriptions
  std::vector<SlotId> slots;         // that they hold
  std::deque<std::shared_ptr<OneShot<bool>>> pending;
};

}  // namespace kiln::exec
