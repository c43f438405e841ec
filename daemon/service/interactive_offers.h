// InteractiveOffers: interactive processes of goals, on their way to the client that runs them.
//
// Model:   a goal's call puts an offer and sends its number to the client. The client claims it
//          with Processes.RunInteractive on another stream. That call finishes the offer with the
//          exit code, and the goal goes on.
// Threads: thread-safe. run() resumes on the executor.
// Cancels: run()'s token ends it: an offer that nobody claimed is withdrawn, the call that claimed
//          one is told by the offer's own token.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <unordered_map>

#include "common/base/sync.h"
#include "daemon/async/executor.h"
#include "daemon/async/one_shot.h"
#include "daemon/async/task.h"
#include "daemon/session/interactive.h"

namespace kiln::service {

class InteractiveOffers {
 public:
  struct Offer {
    session::InteractiveSpec spec;
    std::stop_token stop;       // fires when the goal does not want it any more
    OneShot<Result<int>> done;  // set once, by who claimed or withdrew it
  };

  explicit InteractiveOffers(Executor& home) : home_(home) {}

  // Offers the process; `send` hands the offer's number to the client. Gives the exit code.
  Task<Result<int>> run(session::InteractiveSpec spec, std::stop_token stop,
                        std::function<Task<Result<void>>(uint64_t)> send);
  // Null if there is no such offer, or somebody has claimed it. The claimant sets `done`.
  std::shared_ptr<Offer> claim(uint64_t number);

 private:
  struct State {
    uint64_t last = 0;
    std::unordered_map<uint64_t, std::shared_ptr<Offer>> waiting;
  };

  Executor& home_;
  Synchronized<State> state_;
};

}  // namespace kiln::service
