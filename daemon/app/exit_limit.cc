#include "daemon/app/exit_limit.h"

#include <unistd.h>

#include <string>

namespace kiln::app {

ExitLimit::ExitLimit(std::chrono::seconds patience, Log& log)
    : log_(log), thread_([this, patience] { watch(patience); }) {}

ExitLimit::~ExitLimit() {
  {
    MutexLock lock(mutex_);
    over_ = true;
    ended_.notify_one();
  }
  thread_.join();
}

void ExitLimit::watch(std::chrono::seconds patience) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + patience;
  {
    MutexLock lock(mutex_);
    while (!over_ && Clock::now() < end) ended_.wait_for(mutex_, end - Clock::now());
    if (over_) return;
  }
  log_.warn("ending without the threads that have not come back for " +
            std::to_string(patience.count()) +
            " s: they wait for a file system that does not answer, or for a disk");
  ::_exit(0);
}

}  // namespace kiln::app
